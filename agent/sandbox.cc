#include "agent/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <atomic>

#include "agent/abi/records.h"
#include "agent/log_line.h"
#include "agent/payload.h"
#include "agent/record.h"
#include "agent/signals.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent {

constinit std::atomic<bool> sandboxed = false;

namespace {

// More than this, all programs together, is not asked but taken for forbidding everything.
constexpr std::uint32_t kMostInstructions = 16384;
constexpr std::uint32_t kMostPrograms = 32;

struct Filter {
  std::atomic<bool> holds;
  std::uint32_t first;
  std::uint32_t count;
};
constinit Filter filters[kMostPrograms]{};
constinit std::atomic<std::uint32_t> filter_count = 0;
constinit sock_filter instructions[kMostInstructions]{};
constinit std::atomic<std::uint32_t> instruction_count = 0;
constinit std::atomic<bool> everything_forbidden = false;

struct Call {
  long number;
  long arguments[6];
};

// What it does all the time. Where one is forbidden something is not known, but nothing else lost.
constexpr Call kUsual[] = {
    {SYS_getsockopt, {3, SOL_SOCKET, SO_COOKIE}},
    {SYS_ioctl, {3, FIONREAD}},
    {SYS_rt_sigprocmask, {SIG_SETMASK, 0, 0, 8}},
    {SYS_fcntl, {3, F_GETFL}},
    {SYS_fstat, {3}},
    {SYS_gettid, {}},
};
// Without which a process that has a signal handler of the agent's could not die of the signal.
constexpr Call kOfDying[] = {
    {SYS_rt_sigaction, {SIGTERM, 0, 0, 8}},   {SYS_getpid, {}},       {SYS_gettid, {}},
    {SYS_rt_tgsigqueueinfo, {0, 0, SIGTERM}}, {SYS_rt_sigreturn, {}},
};

// The machine of bpf(4), as far as the kernel takes its programs for seccomp: it has checked that
// every jump goes forward and stays inside.
class Machine {
 public:
  explicit Machine(const seccomp_data& data) : data_(data) {}

  std::uint32_t run(const sock_filter* program, std::uint32_t count) {
    for (std::uint32_t at = 0; at < count; ++at) {
      const sock_filter& step = program[at];
      switch (BPF_CLASS(step.code)) {
        case BPF_LD:
          accumulator_ = load(step);
          break;
        case BPF_LDX:
          index_ = load(step);
          break;
        case BPF_ST:
          memory_[step.k % BPF_MEMWORDS] = accumulator_;
          break;
        case BPF_STX:
          memory_[step.k % BPF_MEMWORDS] = index_;
          break;
        case BPF_ALU:
          compute(step);
          break;
        case BPF_JMP:
          at += jump(step);
          break;
        case BPF_RET:
          return BPF_RVAL(step.code) == BPF_A ? accumulator_ : step.k;
        default:  // BPF_MISC
          BPF_MISCOP(step.code) == BPF_TAX ? index_ = accumulator_ : accumulator_ = index_;
      }
    }
    return SECCOMP_RET_KILL_PROCESS;
  }

 private:
  std::uint32_t load(const sock_filter& step) const {
    switch (BPF_MODE(step.code)) {
      case BPF_ABS: {
        std::uint32_t word = 0;
        if (step.k <= sizeof(data_) - sizeof(word)) {
          memcpy(&word, reinterpret_cast<const char*>(&data_) + step.k, sizeof(word));
        }
        return word;
      }
      case BPF_MEM:
        return memory_[step.k % BPF_MEMWORDS];
      case BPF_LEN:
        return sizeof(data_);
      default:
        return step.k;  // BPF_IMM
    }
  }

  std::uint32_t operand(const sock_filter& step) const {
    return BPF_SRC(step.code) == BPF_X ? index_ : step.k;
  }

  void compute(const sock_filter& step) {
    const std::uint32_t by = operand(step);
    switch (BPF_OP(step.code)) {
      case BPF_ADD:
        accumulator_ += by;
        break;
      case BPF_SUB:
        accumulator_ -= by;
        break;
      case BPF_MUL:
        accumulator_ *= by;
        break;
      case BPF_DIV:
        accumulator_ = by == 0 ? 0 : accumulator_ / by;
        break;
      case BPF_AND:
        accumulator_ &= by;
        break;
      case BPF_OR:
        accumulator_ |= by;
        break;
      case BPF_XOR:
        accumulator_ ^= by;
        break;
      case BPF_LSH:
        accumulator_ = by < 32 ? accumulator_ << by : 0;
        break;
      case BPF_RSH:
        accumulator_ = by < 32 ? accumulator_ >> by : 0;
        break;
      default:
        accumulator_ = -accumulator_;  // BPF_NEG
    }
  }

  // How many instructions are passed over.
  std::uint32_t jump(const sock_filter& step) const {
    const std::uint32_t with = operand(step);
    switch (BPF_OP(step.code)) {
      case BPF_JEQ:
        return accumulator_ == with ? step.jt : step.jf;
      case BPF_JGT:
        return accumulator_ > with ? step.jt : step.jf;
      case BPF_JGE:
        return accumulator_ >= with ? step.jt : step.jf;
      case BPF_JSET:
        return (accumulator_ & with) != 0 ? step.jt : step.jf;
      default:
        return step.k;  // BPF_JA
    }
  }

  const seccomp_data& data_;
  std::uint32_t accumulator_ = 0, index_ = 0;
  std::uint32_t memory_[BPF_MEMWORDS] = {};
};

bool passes(std::uint32_t verdict) {
  const std::uint32_t action = verdict & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

bool allows(const Call& call) {
  return sandbox_allows(call.number, call.arguments[0], call.arguments[1], call.arguments[2],
                        call.arguments[3], call.arguments[4], call.arguments[5]);
}

template <std::size_t N>
bool allows_all(const Call (&calls)[N]) {
  for (const Call& call : calls) {
    if (!allows(call)) return false;
  }
  return true;
}

bool is_strict(long number, const long* a) {
  return number == SYS_prctl ? a[1] == SECCOMP_MODE_STRICT : a[0] == SECCOMP_SET_MODE_STRICT;
}

// Copies what the service is about to install; null when there is no room, or nothing to copy.
Filter* keep_filter(const void* program) {
  sock_fprog given{};
  if (!reprise_copy_bytes(&given, program, sizeof(given))) return nullptr;
  const std::uint32_t first = instruction_count.fetch_add(given.len, std::memory_order_relaxed);
  const std::uint32_t place = filter_count.fetch_add(1, std::memory_order_relaxed);
  if (place >= kMostPrograms || first + given.len > kMostInstructions ||
      !reprise_copy_bytes(instructions + first, given.filter, given.len * sizeof(sock_filter))) {
    return nullptr;
  }
  filters[place].first = first;
  filters[place].count = given.len;
  return &filters[place];
}

void hold(Filter* filter, bool holds) {
  if (filter != nullptr) {
    filter->holds.store(holds, std::memory_order_release);
  } else {
    everything_forbidden.store(holds, std::memory_order_release);
  }
  if (holds) sandboxed.store(true, std::memory_order_release);
}

void tell_of_sandbox(Thread& thread) {
  if (Record<abi::Gap> record{thread, abi::RecordType::kGap, stamp(), 0,
                              static_cast<std::uint8_t>(abi::GapReason::kSandbox)}) {
    record->records = 0;
    record->bytes = 0;
    record.commit();
  }
}

}  // namespace

bool sandbox_allows(long number, long a, long b, long c, long d, long e, long f) {
  if (everything_forbidden.load(std::memory_order_acquire)) return false;
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = AUDIT_ARCH_X86_64;
  std::size_t i = 0;
  for (const long argument : {a, b, c, d, e, f}) {
    data.args[i++] = static_cast<std::uint64_t>(argument);
  }
  const std::uint32_t count = filter_count.load(std::memory_order_relaxed);
  for (std::uint32_t at = 0; at < count && at < kMostPrograms; ++at) {
    if (!filters[at].holds.load(std::memory_order_acquire)) continue;
    Machine machine(data);
    if (!passes(machine.run(instructions + filters[at].first, filters[at].count))) return false;
  }
  return true;
}

bool installs_sandbox(long number, const long* a) {
  if (number == SYS_prctl) return a[0] == PR_SET_SECCOMP;
  return number == SYS_seccomp &&
         (a[0] == SECCOMP_SET_MODE_STRICT || a[0] == SECCOMP_SET_MODE_FILTER);
}

namespace {

// Reading, writing and ending is allowed, and the time stamp counter is not: the agent has seen
// enough.
long install_strict_mode(Thread& thread, long number, const long* a) {
  tell_of_sandbox(thread);
  watch_no_ends();
  flush_log_line(thread);
  agent_liveness.store(Liveness::kAside, std::memory_order_release);
  thread.open = 0;
  const long result = raw_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (!failed(result)) return result;
  agent_liveness.store(Liveness::kLive, std::memory_order_release);
  thread.open = 1;
  watch_fatal_signals();
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace

long install_sandbox(Thread& thread, long number, const long* a) {
  if (world::keeps_sandbox_out()) return 0;
  if (is_strict(number, a)) return install_strict_mode(thread, number, a);
  Filter* filter = keep_filter(reinterpret_cast<const void*>(a[2]));
  hold(filter, true);
  const bool usual = allows_all(kUsual), dying = allows_all(kOfDying);
  hold(filter, false);
  // What is told, and the signals, need what is forbidden from here on.
  if (!usual || !dying) tell_of_sandbox(thread);
  if (!dying) watch_no_ends();
  hold(filter, true);
  const long result = raw_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (!failed(result)) return result;
  hold(filter, false);
  if (!dying) watch_fatal_signals();
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace reprise::agent
