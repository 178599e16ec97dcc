// System calls that the service makes by number and that wait, or say where sockets are.
//
// Those with a hook of the C library's form went there already (agent/hooks/system_call.cc); these
// are the kernel's forms of what only this world hooks, and the futex.

#include <errno.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "agent/world/substitute/control.h"
#include "agent/world/substitute/hooks.h"
#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/leak_filter.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

template <typename T>
T* pointer(long argument) {
  return reinterpret_cast<T*>(argument);
}

// The deadline of a futex wait; the plain one counts from now, the others name a time.
std::uint64_t futex_deadline(int operation, const timespec* timeout) {
  if (timeout == nullptr) return abi::kNoDeadline;
  if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT) return deadline_after(nanoseconds(*timeout));
  const bool wall =
      (operation & FUTEX_CLOCK_REALTIME) != 0 || (operation & FUTEX_CMD_MASK) == FUTEX_LOCK_PI;
  return deadline_at(wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, *timeout);
}

bool is_futex_wait(int operation) {
  const int command = operation & FUTEX_CMD_MASK;
  return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
         command == FUTEX_LOCK_PI2 || command == FUTEX_WAIT_REQUEUE_PI;
}

// Slices of these are by CLOCK_MONOTONIC as the kernel counts it, absolute where the call is.
timespec slice_for(int operation, std::int64_t slice_ns) {
  const int command = operation & FUTEX_CMD_MASK;
  if (command == FUTEX_WAIT) return to_timespec(slice_ns);
  return to_timespec(real_monotonic_ns() + slice_ns);
}

// A wait on a word that still has the value it waits on: a wake-up between two slices came with a
// change of the word, as the protocol of futexes demands, and is found then.
long wait_on_futex(const long* a) {
  const auto operation = static_cast<int>(a[1]);
  const int command = operation & FUTEX_CMD_MASK;
  // What depends on the kernel's wall clock or queues is not cut into slices.
  const bool whole = command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET;
  const auto wait_for = [&](std::int64_t slice_ns) {
    if (whole) return system_call(SYS_futex, a[0], a[1], a[2], a[3], a[4], a[5]);
    const timespec slice = slice_for(operation, slice_ns);
    return system_call(SYS_futex, a[0], operation & ~FUTEX_CLOCK_REALTIME, a[2],
                       slice_ns < 0 ? 0 : address_of(&slice), a[4], a[5]);
  };
  if (!whole) {
    // Most waits on a word that changed already end here, and are none.
    const long at_once = wait_for(0);
    if (at_once != -ETIMEDOUT) return at_once;
  }
  const std::uint64_t deadline = futex_deadline(operation, pointer<const timespec>(a[3]));
  const Interruptions interruptions(this_thread());
  Wait wait(this_thread(), abi::Activity::kFutex, deadline, static_cast<std::uint64_t>(a[0]));
  for (;;) {
    const long result = wait.block(wait_for);
    if (whole) return result;
    if (result == -EAGAIN) return 0;  // woken between two slices
    if (result != -ETIMEDOUT && result != -EINTR) return result;
    if (interruptions.any()) return -EINTR;
    if (wait.is_over()) return -ETIMEDOUT;
  }
}

// ppoll and pselect6 write the time that is left into their argument, as the C library's do not.
long poll_for(const long* a) {
  auto* timeout = pointer<timespec>(a[2]);
  const std::uint64_t deadline =
      timeout != nullptr ? deadline_after(nanoseconds(*timeout)) : abi::kNoDeadline;
  const int result = world::ppoll(this_thread(), pointer<pollfd>(a[0]), static_cast<nfds_t>(a[1]),
                                  timeout, pointer<const sigset_t>(a[3]));
  if (timeout != nullptr) *timeout = to_timespec(remaining_ns(deadline));
  return result;
}

long select_for(const long* a) {
  struct MaskArgument {
    const sigset_t* mask;
    std::size_t size;
  };
  const auto* mask = pointer<const MaskArgument>(a[5]);
  auto* timeout = pointer<timespec>(a[4]);
  const std::uint64_t deadline =
      timeout != nullptr ? deadline_after(nanoseconds(*timeout)) : abi::kNoDeadline;
  const int result = world::pselect(this_thread(), static_cast<int>(a[0]), pointer<fd_set>(a[1]),
                                    pointer<fd_set>(a[2]), pointer<fd_set>(a[3]), timeout,
                                    mask != nullptr ? mask->mask : nullptr);
  if (timeout != nullptr) *timeout = to_timespec(remaining_ns(deadline));
  return result;
}

// The C library returns the error itself.
long from_error(int error) { return with_errno(-error); }

}  // namespace

namespace world {

long call_by_number(long number, const long* a) {
  if (control().attached()) {
    switch (number) {
      case SYS_futex:
        if (is_futex_wait(static_cast<int>(a[1]))) return with_errno(wait_on_futex(a));
        break;
      case SYS_bind:
        return hook_bind(static_cast<int>(a[0]), pointer<const sockaddr>(a[1]),
                         static_cast<socklen_t>(a[2]));
      case SYS_getsockname:
        return hook_getsockname(static_cast<int>(a[0]), pointer<sockaddr>(a[1]),
                                pointer<socklen_t>(a[2]));
      case SYS_getpeername:
        return hook_getpeername(static_cast<int>(a[0]), pointer<sockaddr>(a[1]),
                                pointer<socklen_t>(a[2]));
      case SYS_setsockopt:
        return hook_setsockopt(static_cast<int>(a[0]), static_cast<int>(a[1]),
                               static_cast<int>(a[2]), pointer<const void>(a[3]),
                               static_cast<socklen_t>(a[4]));
      case SYS_nanosleep:
        return hook_nanosleep(pointer<const timespec>(a[0]), pointer<timespec>(a[1]));
      case SYS_clock_nanosleep:
        return from_error(hook_clock_nanosleep(static_cast<clockid_t>(a[0]), static_cast<int>(a[1]),
                                               pointer<const timespec>(a[2]),
                                               pointer<timespec>(a[3])));
      case SYS_ppoll:
        return poll_for(a);
      case SYS_pselect6:
        return select_for(a);
      case SYS_epoll_pwait:
        return epoll_pwait(this_thread(), static_cast<int>(a[0]), pointer<epoll_event>(a[1]),
                           static_cast<int>(a[2]), static_cast<int>(a[3]),
                           pointer<const sigset_t>(a[4]));
      case SYS_epoll_pwait2:
        return epoll_pwait2(this_thread(), static_cast<int>(a[0]), pointer<epoll_event>(a[1]),
                            static_cast<int>(a[2]), pointer<const timespec>(a[3]),
                            pointer<const sigset_t>(a[4]));
      case SYS_timerfd_create:
        return hook_timerfd_create(static_cast<int>(a[0]), static_cast<int>(a[1]));
      case SYS_timerfd_settime:
        return hook_timerfd_settime(static_cast<int>(a[0]), static_cast<int>(a[1]),
                                    pointer<const itimerspec>(a[2]), pointer<itimerspec>(a[3]));
      case SYS_timerfd_gettime:
        return hook_timerfd_gettime(static_cast<int>(a[0]), pointer<itimerspec>(a[1]));
      case SYS_wait4:
        return hook_wait4(static_cast<pid_t>(a[0]), pointer<int>(a[1]), static_cast<int>(a[2]),
                          pointer<rusage>(a[3]));
      case SYS_sendto:
        return sendto(nullptr, static_cast<int>(a[0]), pointer<const void>(a[1]),
                      static_cast<std::size_t>(a[2]), static_cast<int>(a[3]),
                      pointer<const sockaddr>(a[4]), static_cast<socklen_t>(a[5]));
      case SYS_recvfrom:
        return recvfrom(nullptr, static_cast<int>(a[0]), pointer<void>(a[1]),
                        static_cast<std::size_t>(a[2]), static_cast<int>(a[3]),
                        pointer<sockaddr>(a[4]), pointer<socklen_t>(a[5]));
      default:
        break;
    }
    // Of the watched calls those with six arguments are above.
    if (is_watched(number)) {
      return with_errno(token_call(number, a[0], a[1], a[2], a[3], a[4]));
    }
  }
  return with_errno(raw_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

}  // namespace world
}  // namespace reprise::agent
