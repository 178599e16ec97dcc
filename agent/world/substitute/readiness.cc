// Readiness waits in virtual time: epoll, poll, select and their relatives.
//
// Each first looks without blocking. What then waits does so in slices (wait.h); a signal mask is
// put in force for the slices only, so a signal that it holds back is delivered in between or not
// at all, as the caller asked.

#include <errno.h>
#include <signal.h>

#include <cstring>

#include "agent/original.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

constexpr std::size_t kKernelMaskBytes = 8;
constexpr std::int64_t kNsPerMillisecond = 1'000'000;

std::int64_t from_milliseconds(int timeout_ms) {
  return timeout_ms < 0 ? -1 : std::int64_t{timeout_ms} * kNsPerMillisecond;
}

void note_time_out(Thread* thread) {
  ThreadState* state = thread != nullptr ? state_of(*thread) : nullptr;
  if (state != nullptr) state->cursor.time_out();
}

// `look(slice_ns)` is the system call, blocking at most so long (-1 for ever): ready descriptors,
// or -errno. `block` is the same for where threads take turns: it need not tell which they are.
template <typename Look, typename Block>
long wait_ready(Thread* thread, std::int64_t timeout_ns, std::uint64_t object, Look look,
                Block block) {
  control().count_hooked();
  // Before the first look, so that a signal it delivers counts.
  const Interruptions interruptions(thread);
  long result = look(0);
  if (result != 0 || timeout_ns == 0) return result;
  Wait wait(thread, abi::Activity::kReadiness, deadline_after(timeout_ns), object);
  for (;;) {
    const bool in_turn = takes_turns();
    result = wait.block(
        [&](std::int64_t slice_ns) { return in_turn ? block(slice_ns) : look(slice_ns); });
    if (result > 0 || (result < 0 && result != -EINTR)) {
      if (!in_turn) return result;
      wait.take_turn();
      // Another thread may have had it first.
      result = look(0);
      if (result != 0) return result;
      continue;
    }
    // A handler that ran between two slices ends the wait as well.
    if (interruptions.any()) return -EINTR;
    if (!wait.is_over()) continue;
    wait.take_turn();
    result = look(0);
    if (result == 0) note_time_out(thread);
    return result;
  }
}

template <typename Look>
long wait_ready(Thread* thread, std::int64_t timeout_ns, std::uint64_t object, Look look) {
  return wait_ready(thread, timeout_ns, object, look, look);
}

long look_epoll(int epoll, epoll_event* events, int capacity, std::int64_t slice_ns) {
  if (slice_ns <= 0) {
    return token_call(SYS_epoll_wait, epoll, events, capacity, slice_ns == 0 ? 0 : -1);
  }
  const timespec slice = to_timespec(slice_ns);
  // Without a mask the kernel does not look at its size, which is in the token's place.
  const long result = token_call(SYS_epoll_pwait2, epoll, events, capacity, &slice, nullptr);
  if (result != -ENOSYS) return result;
  return token_call(SYS_epoll_wait, epoll, events, capacity,
                    (slice_ns + kNsPerMillisecond - 1) / kNsPerMillisecond);
}

long look_poll(pollfd* fds, nfds_t count, std::int64_t slice_ns, const sigset_t* mask) {
  timespec slice = to_timespec(slice_ns);
  return token_call(SYS_ppoll, fds, count, slice_ns < 0 ? nullptr : &slice, mask, kKernelMaskBytes);
}

// With a signal mask the epoll descriptor is polled, since epoll_pwait has no place for the token:
// it is readable when it has events. Another thread may take them first; then there are none.
long look_epoll(int epoll, epoll_event* events, int capacity, std::int64_t slice_ns,
                const sigset_t* mask) {
  if (mask == nullptr) return look_epoll(epoll, events, capacity, slice_ns);
  pollfd polled = {epoll, POLLIN, 0};
  const long ready = look_poll(&polled, 1, slice_ns, mask);
  return ready <= 0 ? ready : look_epoll(epoll, events, capacity, 0);
}

// Where threads take turns, which events it gets is settled when the thread has its turn.
long wait_epoll(Thread* thread, std::int64_t timeout_ns, int epoll, epoll_event* events,
                int capacity, const sigset_t* mask) {
  const auto look = [=](std::int64_t slice_ns) {
    return look_epoll(epoll, events, capacity, slice_ns, mask);
  };
  const auto block = [=](std::int64_t slice_ns) {
    pollfd polled = {epoll, POLLIN, 0};
    return look_poll(&polled, 1, slice_ns, mask);
  };
  return wait_ready(thread, timeout_ns, static_cast<std::uint64_t>(epoll), look, block);
}

// Descriptor sets are in and out: each look starts from what the service asked.
struct Sets {
  static constexpr std::size_t kBytes = sizeof(fd_set);
  struct One {
    fd_set* given;
    alignas(long) unsigned char asked[kBytes];
  };
  std::size_t bytes;
  One sets[3];

  Sets(int count, fd_set* readable, fd_set* writable, fd_set* exceptional)
      : bytes((static_cast<std::size_t>(count) + 63) / 64 * 8),
        sets{{readable, {}}, {writable, {}}, {exceptional, {}}} {
    for (One& set : sets) {
      if (set.given != nullptr) std::memcpy(set.asked, set.given, bytes);
    }
  }
  void restore() {
    for (One& set : sets) {
      if (set.given != nullptr) std::memcpy(set.given, set.asked, bytes);
    }
  }
};

long look_select(int count, Sets& sets, std::int64_t slice_ns) {
  sets.restore();
  const timespec slice = to_timespec(slice_ns);
  timeval timeout = {slice.tv_sec, slice.tv_nsec / 1000};
  return token_call(SYS_select, count, sets.sets[0].given, sets.sets[1].given, sets.sets[2].given,
                    slice_ns < 0 ? nullptr : &timeout);
}

// Holds the service's mask for one look. pselect has no place for the token, so this is not atomic:
// a signal that comes between is delivered, and the look must not block then.
long look_select_masked(Thread* thread, int count, Sets& sets, std::int64_t slice_ns,
                        const sigset_t* mask) {
  if (mask == nullptr) return look_select(count, sets, slice_ns);
  std::uint64_t former = 0;
  const Interruptions interruptions(thread);
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(mask), address_of(&former),
              kKernelMaskBytes);
  const long result = interruptions.any() ? -EINTR : look_select(count, sets, slice_ns);
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&former), 0, kKernelMaskBytes);
  return result;
}

long select_in(Thread* thread, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
               std::int64_t timeout_ns, const sigset_t* mask) {
  if (count < 0) return -EINVAL;
  if (count > FD_SETSIZE) {
    // Sets that the program made larger than the C library's: waited for really.
    timeval timeout = to_timeval(timeout_ns);
    return token_call(SYS_select, count, readable, writable, exceptional,
                      timeout_ns < 0 ? nullptr : &timeout);
  }
  Sets sets(count, readable, writable, exceptional);
  return wait_ready(thread, timeout_ns, 0, [&](std::int64_t slice_ns) {
    // A wait for ever is cut too: see look_select_masked.
    const bool endless = slice_ns < 0 && mask != nullptr;
    return look_select_masked(thread, count, sets, endless ? 50 * kNsPerMillisecond : slice_ns,
                              mask);
  });
}

}  // namespace

namespace world {

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  // Where threads take turns all are woken, and the recorded one has its turn first.
  if (event != nullptr && (event->events & EPOLLEXCLUSIVE) != 0 && takes_turns()) {
    epoll_event shared = *event;
    shared.events &= ~static_cast<std::uint32_t>(EPOLLEXCLUSIVE);
    return original().epoll_ctl(epoll, operation, fd, &shared);
  }
  return original().epoll_ctl(epoll, operation, fd, event);
}

int epoll_wait(Thread* thread, int epoll, epoll_event* events, int capacity, int timeout_ms) {
  return epoll_pwait(thread, epoll, events, capacity, timeout_ms, nullptr);
}

int epoll_pwait(Thread* thread, int epoll, epoll_event* events, int capacity, int timeout_ms,
                const sigset_t* mask) {
  if (!control().attached()) {
    return original().epoll_pwait(epoll, events, capacity, timeout_ms, mask);
  }
  return static_cast<int>(
      with_errno(wait_epoll(thread, from_milliseconds(timeout_ms), epoll, events, capacity, mask)));
}

int epoll_pwait2(Thread* thread, int epoll, epoll_event* events, int capacity,
                 const timespec* timeout, const sigset_t* mask) {
  if (!control().attached()) {
    return original().epoll_pwait2(epoll, events, capacity, timeout, mask);
  }
  if (timeout != nullptr && !is_valid(*timeout)) return static_cast<int>(with_errno(-EINVAL));
  return static_cast<int>(with_errno(wait_epoll(
      thread, timeout != nullptr ? nanoseconds(*timeout) : -1, epoll, events, capacity, mask)));
}

int poll(Thread* thread, pollfd* fds, nfds_t count, int timeout_ms) {
  if (!control().attached()) return original().poll(fds, count, timeout_ms);
  return static_cast<int>(
      with_errno(wait_ready(thread, from_milliseconds(timeout_ms), 0, [=](std::int64_t slice_ns) {
        return look_poll(fds, count, slice_ns, nullptr);
      })));
}

int ppoll(Thread* thread, pollfd* fds, nfds_t count, const timespec* timeout,
          const sigset_t* mask) {
  if (!control().attached()) {
    return original().ppoll(fds, count, timeout, mask);
  }
  if (timeout != nullptr && !is_valid(*timeout)) return static_cast<int>(with_errno(-EINVAL));
  return static_cast<int>(with_errno(
      wait_ready(thread, timeout != nullptr ? nanoseconds(*timeout) : -1, 0,
                 [=](std::int64_t slice_ns) { return look_poll(fds, count, slice_ns, mask); })));
}

int select(Thread* thread, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
           timeval* timeout) {
  if (!control().attached()) {
    return original().select(count, readable, writable, exceptional, timeout);
  }
  if (timeout == nullptr) {
    return static_cast<int>(
        with_errno(select_in(thread, count, readable, writable, exceptional, -1, nullptr)));
  }
  if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return static_cast<int>(with_errno(-EINVAL));
  const std::uint64_t deadline = deadline_after(nanoseconds(*timeout));
  const long result =
      select_in(thread, count, readable, writable, exceptional, nanoseconds(*timeout), nullptr);
  // Linux leaves the time not slept (select(2)).
  *timeout = to_timeval(remaining_ns(deadline));
  return static_cast<int>(with_errno(result));
}

int pselect(Thread* thread, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
            const timespec* timeout, const sigset_t* mask) {
  if (!control().attached()) {
    return original().pselect(count, readable, writable, exceptional, timeout, mask);
  }
  if (timeout != nullptr && !is_valid(*timeout)) return static_cast<int>(with_errno(-EINVAL));
  return static_cast<int>(
      with_errno(select_in(thread, count, readable, writable, exceptional,
                           timeout != nullptr ? nanoseconds(*timeout) : -1, mask)));
}

}  // namespace world
}  // namespace reprise::agent
