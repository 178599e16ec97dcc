#include "agent/world/substitute/socket_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"

namespace reprise::agent {

bool is_ready(int fd, short events) {
  // poll() passes it over; a call on it fails at once.
  if (fd < 0) return true;
  pollfd polled = {fd, events, 0};
  const timespec at_once = {0, 0};
  return token_call(SYS_ppoll, &polled, 1, &at_once, nullptr, 0) != 0;
}

bool is_nonblocking(int fd) {
  const long flags = system_call(SYS_fcntl, fd, F_GETFL);
  return !failed(flags) && (flags & O_NONBLOCK) != 0;
}

long wait_for_socket(Thread* thread, int fd, short events, abi::Activity activity,
                     std::uint64_t deadline_ns, std::uint64_t object) {
  if (is_ready(fd, events)) return 0;
  const Interruptions interruptions(thread);
  Wait wait(thread, activity, deadline_ns, object);
  for (;;) {
    pollfd polled = {fd, events, 0};
    const long result = wait.block([&](std::int64_t slice_ns) {
      timespec slice = to_timespec(slice_ns);
      return token_call(SYS_ppoll, &polled, 1, slice_ns < 0 ? nullptr : &slice, nullptr, 0);
    });
    // Another thread may have had it first.
    if (result > 0 && (!wait.take_turn() || is_ready(fd, events))) return 0;
    if (result > 0) continue;
    if (result < 0 && result != -EINTR) return result;
    // A handler that ran between two slices ends the wait as well.
    if (interruptions.must_return()) return -EINTR;
    if (wait.is_over()) return is_ready(fd, events) ? 0 : -EAGAIN;
  }
}

}  // namespace reprise::agent
