// Waits for other threads, for child processes and for signals.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/hooks/hook.h"
#include "agent/system_call.h"
#include "agent/world/substitute/hooks.h"
#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/originals.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"

namespace reprise::agent {
namespace {

constexpr std::size_t kKernelMaskBytes = 8;

int join_until(pthread_t other, void** result, std::uint64_t deadline_ns) {
  const SubstituteOriginals& real = substitute_originals();
  int outcome = real.pthread_tryjoin_np(other, result);
  if (outcome != EBUSY) return outcome;
  Wait wait(this_thread(), abi::Activity::kJoin, deadline_ns, other);
  if (!Wait::is_sliced(deadline_ns)) return real.pthread_join(other, result);
  for (;;) {
    outcome = static_cast<int>(wait.block([&](std::int64_t slice_ns) -> long {
      const timespec end = to_timespec(real_monotonic_ns() + slice_ns);
      return real.pthread_clockjoin_np(other, result, CLOCK_MONOTONIC, &end);
    }));
    if (outcome != ETIMEDOUT) return outcome;
    if (wait.is_over()) return ETIMEDOUT;
  }
}

// `look(options)` is a wait for a child with these options more: what it returns, 0 when no child
// is there yet and WNOHANG was given, or -errno.
template <typename Look>
long wait_for_child(Look look) {
  long result = look(WNOHANG);
  if (result != 0) return result;
  const Interruptions interruptions(this_thread());
  Wait wait(this_thread(), abi::Activity::kChild, abi::kNoDeadline, 0);
  for (;;) {
    if (!Wait::is_sliced(abi::kNoDeadline)) return wait.block([&](auto) { return look(0); });
    // There is no wait for a child with a time-out: a signal ends the pause early, SIGCHLD among
    // them.
    result = look(WNOHANG);
    if (result != 0) return result;
    wait.block([&](std::int64_t slice_ns) {
      const timespec slice = to_timespec(slice_ns);
      return token_call(SYS_ppoll, nullptr, 0, &slice, nullptr, kKernelMaskBytes);
    });
    if (interruptions.must_return()) return -EINTR;
    (void)wait.is_over();
  }
}

pid_t wait_for_pid(pid_t pid, int* status, int options, rusage* usage) {
  const auto look = [=](int more) {
    return system_call(SYS_wait4, pid, address_of(status), options | more, address_of(usage));
  };
  const long result = (options & WNOHANG) != 0 ? look(0) : wait_for_child(look);
  if (!failed(result)) return static_cast<pid_t>(result);
  errno = static_cast<int>(-result);
  return -1;
}

// Waits for one of the signals in `set`: its number, or -1 with errno.
int wait_for_signal(const sigset_t* set, siginfo_t* information, std::uint64_t deadline_ns) {
  const SubstituteOriginals& real = substitute_originals();
  const timespec at_once = {0, 0};
  int number = real.sigtimedwait(set, information, &at_once);
  if (number >= 0 || errno != EAGAIN) return number;
  const Interruptions interruptions(this_thread());
  Wait wait(this_thread(), abi::Activity::kSignalWait, deadline_ns, 0);
  for (;;) {
    number = static_cast<int>(wait.block([&](std::int64_t slice_ns) -> long {
      const timespec slice = to_timespec(slice_ns);
      return slice_ns < 0 ? real.sigwaitinfo(set, information)
                          : real.sigtimedwait(set, information, &slice);
    }));
    if (number >= 0) return number;
    if (errno == EINTR && interruptions.any()) return -1;
    if (errno != EAGAIN && errno != EINTR) return -1;
    if (wait.is_over()) {
      errno = EAGAIN;
      return -1;
    }
  }
}

// Waits with `mask` in force until a handler ran. The mask is a null pointer for the current one.
void pause_with(const sigset_t* mask) {
  if (this_thread() == nullptr) {
    token_call(SYS_ppoll, nullptr, 0, nullptr, mask, kKernelMaskBytes);
    return;
  }
  const Interruptions interruptions(this_thread());
  Wait wait(this_thread(), abi::Activity::kSignalWait, abi::kNoDeadline, 0);
  while (!interruptions.any()) {
    wait.block([&](std::int64_t slice_ns) {
      const timespec slice = to_timespec(slice_ns);
      // ppoll of nothing: the mask and the wait are one call, so no signal is lost between them.
      return token_call(SYS_ppoll, nullptr, 0, slice_ns < 0 ? nullptr : &slice, mask,
                        kKernelMaskBytes);
    });
    (void)wait.is_over();
  }
}

}  // namespace

extern "C" {

int hook_pthread_join(pthread_t other, void** result) REPRISE_HOOK(pthread_join);
int hook_pthread_join(pthread_t other, void** result) {
  return join_until(other, result, abi::kNoDeadline);
}

int hook_pthread_timedjoin_np(pthread_t other, void** result, const timespec* time)
    REPRISE_HOOK(pthread_timedjoin_np);
int hook_pthread_timedjoin_np(pthread_t other, void** result, const timespec* time) {
  return join_until(other, result,
                    time == nullptr ? abi::kNoDeadline : deadline_at(CLOCK_REALTIME, *time));
}

int hook_pthread_clockjoin_np(pthread_t other, void** result, clockid_t clock, const timespec* time)
    REPRISE_HOOK(pthread_clockjoin_np);
int hook_pthread_clockjoin_np(pthread_t other, void** result, clockid_t clock,
                              const timespec* time) {
  return join_until(other, result, time == nullptr ? abi::kNoDeadline : deadline_at(clock, *time));
}

pid_t hook_waitpid(pid_t pid, int* status, int options) REPRISE_HOOK(waitpid);
pid_t hook_waitpid(pid_t pid, int* status, int options) {
  return wait_for_pid(pid, status, options, nullptr);
}

pid_t hook_wait(int* status) REPRISE_HOOK(wait);
pid_t hook_wait(int* status) { return wait_for_pid(-1, status, 0, nullptr); }

pid_t hook_wait3(int* status, int options, rusage* usage) REPRISE_HOOK(wait3);
pid_t hook_wait3(int* status, int options, rusage* usage) {
  return wait_for_pid(-1, status, options, usage);
}

pid_t hook_wait4(pid_t pid, int* status, int options, rusage* usage) {
  return wait_for_pid(pid, status, options, usage);
}

int hook_waitid(idtype_t type, id_t id, siginfo_t* information, int options) REPRISE_HOOK(waitid);
int hook_waitid(idtype_t type, id_t id, siginfo_t* information, int options) {
  siginfo_t found = {};
  const auto look = [&](int more) -> long {
    found.si_pid = 0;
    const long result = system_call(SYS_waitid, type, id, address_of(&found), options | more, 0);
    // A child that is there is told by its number, which waitid itself does not return.
    return result == 0 ? found.si_pid : result;
  };
  const long result = (options & WNOHANG) != 0 ? look(0) : wait_for_child(look);
  if (failed(result)) {
    errno = static_cast<int>(-result);
    return -1;
  }
  if (information != nullptr) *information = found;
  return 0;
}

int hook_sigtimedwait(const sigset_t* set, siginfo_t* information, const timespec* timeout)
    REPRISE_HOOK(sigtimedwait);
int hook_sigtimedwait(const sigset_t* set, siginfo_t* information, const timespec* timeout) {
  if (timeout != nullptr && !is_valid(*timeout)) {
    errno = EINVAL;
    return -1;
  }
  return wait_for_signal(
      set, information,
      timeout == nullptr ? abi::kNoDeadline : deadline_after(nanoseconds(*timeout)));
}

int hook_sigwaitinfo(const sigset_t* set, siginfo_t* information) REPRISE_HOOK(sigwaitinfo);
int hook_sigwaitinfo(const sigset_t* set, siginfo_t* information) {
  return wait_for_signal(set, information, abi::kNoDeadline);
}

int hook_sigwait(const sigset_t* set, int* number) REPRISE_HOOK(sigwait);
int hook_sigwait(const sigset_t* set, int* number) {
  const int error = errno;
  int found = -1;
  do {
    found = wait_for_signal(set, nullptr, abi::kNoDeadline);
  } while (found < 0 && errno == EINTR);
  const int failure = found < 0 ? errno : 0;
  errno = error;
  if (found >= 0) *number = found;
  return failure;
}

int hook_sigsuspend(const sigset_t* mask) REPRISE_HOOK(sigsuspend);
int hook_sigsuspend(const sigset_t* mask) {
  pause_with(mask);
  errno = EINTR;
  return -1;
}

int hook_pause() REPRISE_HOOK(pause);
int hook_pause() {
  pause_with(nullptr);
  errno = EINTR;
  return -1;
}

}  // extern "C"
}  // namespace reprise::agent
