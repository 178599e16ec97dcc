// Waiting for one descriptor of the service, in virtual time.
//
// Threading: the calling thread.
#pragma once

#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/thread.h"

namespace reprise::agent {

// Waits until `fd` has one of `events` (poll.h), or failed. 0 when it has, -EAGAIN when
// `deadline_ns` (virtual) passed, -EINTR when a signal handler ran that does not restart calls.
[[nodiscard]] long wait_for_socket(Thread* thread, int fd, short events, abi::Activity activity,
                                   std::uint64_t deadline_ns, std::uint64_t object);

// Whether `fd` has one of `events`, or failed, now.
[[nodiscard]] bool is_ready(int fd, short events);

// Whether `fd` is in non-blocking mode.
[[nodiscard]] bool is_nonblocking(int fd);

}  // namespace reprise::agent
