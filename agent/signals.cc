#include "agent/signals.h"

#include <errno.h>
#include <ucontext.h>

#include <atomic>

#include "agent/log_line.h"
#include "agent/original.h"
#include "agent/payload.h"
#include "agent/record.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// Terminate or dump core by default. SIGTRAP is the debugger's; real-time signals belong to
// libraries.
constexpr int kFatalSignals[] = {SIGHUP,  SIGINT,    SIGQUIT, SIGILL,  SIGABRT, SIGBUS,  SIGFPE,
                                 SIGSEGV, SIGPIPE,   SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU,
                                 SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGSYS};

// A handler that takes three arguments, as it lies in the place of one that takes one.
auto with_information(void (*handler)(int)) {
  using Handler = void (*)(int, siginfo_t*, void*);
  return reinterpret_cast<Handler>(reinterpret_cast<void*>(handler));
}

// What the service set. A null handler is SIG_DFL.
struct ServiceAction {
  std::atomic<void (*)(int)> handler;
  std::atomic<int> flags;
};
constinit ServiceAction service_actions[NSIG]{};
constinit std::atomic<bool> watches_ends = true;

bool is_fatal_by_default(int number) {
  for (const int fatal : kFatalSignals) {
    if (number == fatal) return true;
  }
  return false;
}

bool is_fault_signal(int number) {
  return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

bool is_fault(int number, const siginfo_t& information) {
  return is_fault_signal(number) && information.si_code > 0;
}

// A copy out of the service's memory that met a bad address returns false instead.
bool resume_failed_copy(int number, void* context) {
  if (number != SIGSEGV && number != SIGBUS) return false;
  greg_t& instruction = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  const auto at = reinterpret_cast<const char*>(instruction);
  if (at < reprise_copy_begin || at >= reprise_copy_end) return false;
  instruction = reinterpret_cast<greg_t>(reprise_copy_failed);
  return true;
}

void record_signal(Thread& thread, abi::RecordType type, int number, const siginfo_t& information) {
  if (Record<abi::Signal> record{thread, type, stamp()}) {
    record->number = number;
    record->code = information.si_code;
    const bool from_process = information.si_code <= 0 || number == SIGCHLD;
    record->from_pid = from_process ? information.si_pid : 0;
    record->reserved = 0;
    record->address =
        is_fault(number, information) ? reinterpret_cast<std::uintptr_t>(information.si_addr) : 0;
    record.commit();
  }
}

// What the agent sets for itself is told to the kernel alone: a thread sanitizer would hold the
// agent's handler back until the service makes a call that it knows.
int tell_kernel(int number, const struct sigaction* action, struct sigaction* former) {
  return original().__sigaction(number, action, former);
}

void set_to_default(int number) {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  tell_kernel(number, &by_default, nullptr);
}

void die_of(Thread* thread, int number, siginfo_t* information) {
  if (thread != nullptr) {
    flush_log_line(*thread);
    record_signal(*thread, abi::RecordType::kFatalSignal, number, *information);
    world::process_ending();
  }
  set_to_default(number);
  // A fault happens again when this returns, at the same instruction; anything else is sent again.
  if (is_fault(number, *information)) return;
  system_call(SYS_rt_tgsigqueueinfo, system_call(SYS_getpid), system_call(SYS_gettid), number,
              address_of(information));
}

// Marks the records of a handler: they may lie inside a call that the handler interrupted.
class InHandler {
 public:
  // `flags` are those of the handler's sigaction.
  InHandler(Thread* thread, int flags) : thread_(thread) {
    if (thread_ == nullptr) return;
    ++thread_->handlers_run;
    if ((flags & SA_RESTART) == 0) ++thread_->handlers_not_restarting;
    (void)(thread_->record_flags == 0 ? 0 : checked_record_flags(*thread_));
    if (thread_->handler_depth++ > 0) return;
    stack_t stack{};
    if ((flags & SA_ONSTACK) != 0) system_call(SYS_sigaltstack, 0, address_of(&stack));
    thread_->handler_on_own_stack = (stack.ss_flags & SS_ONSTACK) != 0;
    thread_->handler_frame = __builtin_frame_address(0);
    thread_->record_flags = abi::kUnordered;
  }
  ~InHandler() {
    if (thread_ == nullptr || thread_->handler_depth == 0 || --thread_->handler_depth > 0) return;
    thread_->handler_frame = nullptr;
    thread_->record_flags = 0;
  }
  InHandler(const InHandler&) = delete;
  InHandler& operator=(const InHandler&) = delete;

 private:
  Thread* thread_;
};

void on_signal(int number, siginfo_t* information, void* context) {
  if (resume_failed_copy(number, context)) return;
  const int error = errno;
  Thread* thread = this_thread();
  if (service_actions[number].handler.load(std::memory_order_acquire) == SIG_DFL) {
    die_of(thread, number, information);
  } else {
    const InHandler in_handler(thread,
                               service_actions[number].flags.load(std::memory_order_relaxed));
    if (thread != nullptr) {
      record_signal(*thread, abi::RecordType::kSignal, number, *information);
    }
    deliver_to_service(number, information, context);
    return;  // errno is the handler's to preserve, or not
  }
  errno = error;
}

// What the kernel is to be given for what the service asked for.
struct sigaction action_for_kernel(int number, const struct sigaction& asked) {
  struct sigaction action = asked;
  if (asked.sa_handler == SIG_IGN) return action;
  if (asked.sa_handler == SIG_DFL) {
    if (!is_fatal_by_default(number) || !watches_ends.load(std::memory_order_relaxed))
      return action;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
  }
  action.sa_flags |= SA_SIGINFO;
  action.sa_sigaction = on_signal;
  return action;
}

}  // namespace

void stand_before_handlers() {
  for (const int number : kFatalSignals) {
    struct sigaction found {};
    if (tell_kernel(number, nullptr, &found) != 0) continue;
    if (found.sa_handler == SIG_DFL || found.sa_handler == SIG_IGN) continue;
    ServiceAction& service = service_actions[number];
    service.flags.store(found.sa_flags, std::memory_order_relaxed);
    service.handler.store(found.sa_handler, std::memory_order_release);
    const struct sigaction ours = action_for_kernel(number, found);
    tell_kernel(number, &ours, nullptr);
  }
}

void watch_fatal_signals() {
  watches_ends.store(true, std::memory_order_relaxed);
  // The first process of a namespace is spared the default action of what others send it, as long
  // as it has no handler.
  const bool only_faults = system_call(SYS_getpid) == 1;
  for (const int number : kFatalSignals) {
    if (only_faults && !is_fault_signal(number)) continue;
    struct sigaction current {};
    if (tell_kernel(number, nullptr, &current) != 0) continue;
    if (current.sa_handler != SIG_DFL || (current.sa_flags & SA_SIGINFO) != 0) continue;
    const struct sigaction watched = action_for_kernel(number, current);
    tell_kernel(number, &watched, nullptr);
  }
}

void watch_no_ends() {
  watches_ends.store(false, std::memory_order_relaxed);
  for (const int number : kFatalSignals) {
    struct sigaction current {};
    if (tell_kernel(number, nullptr, &current) != 0) continue;
    const bool is_ours = current.sa_sigaction == on_signal &&
                         service_actions[number].handler.load(std::memory_order_acquire) == SIG_DFL;
    if (is_ours) set_to_default(number);
  }
}

int set_signal_action(Thread* thread, int number, const struct sigaction* action,
                      struct sigaction* former) {
  if (number <= 0 || number >= NSIG) return original().sigaction(number, action, former);
  ServiceAction& service = service_actions[number];
  auto* const former_handler = service.handler.load(std::memory_order_acquire);
  const int former_flags = service.flags.load(std::memory_order_relaxed);
  const bool kept = world::keeps_signal(number);
  struct sigaction for_kernel {};
  const struct sigaction* given = action;
  if (action != nullptr && thread != nullptr) {
    for_kernel = action_for_kernel(number, *action);
    given = &for_kernel;
    // Set before the kernel knows it, so that no delivery finds an old handler; where the kernel's
    // own default or SIG_IGN applies nobody will look.
    if (for_kernel.sa_sigaction == on_signal || kept) {
      service.flags.store(action->sa_flags, std::memory_order_relaxed);
      service.handler.store(action->sa_handler, std::memory_order_release);
    }
  }
  struct sigaction before {};
  const bool is_watched_end =
      given == &for_kernel && action->sa_handler == SIG_DFL && given->sa_sigaction == on_signal;
  const auto set = is_watched_end ? tell_kernel : original().sigaction;
  const int result = set(number, kept ? nullptr : given, &before);
  if (result != 0) {
    service.flags.store(former_flags, std::memory_order_relaxed);
    service.handler.store(former_handler, std::memory_order_release);
    return result;
  }
  if (former != nullptr) {
    *former = before;
    if (before.sa_sigaction == on_signal || kept) {
      former->sa_handler = former_handler;
      former->sa_flags = former_flags;
    }
  }
  return result;
}

bool deliver_to_service(int number, siginfo_t* information, void* context) {
  const ServiceAction& service = service_actions[number];
  auto* const handler = service.handler.load(std::memory_order_acquire);
  if (handler == SIG_DFL || handler == SIG_IGN) return false;
  if ((service.flags.load(std::memory_order_relaxed) & SA_SIGINFO) != 0) {
    with_information(handler)(number, information, context);
  } else {
    handler(number);
  }
  return true;
}

}  // namespace reprise::agent
