// The records of a connection, written the same way whatever call caused them.
//
// Threading: the calling thread's own Thread; the Socket may be shared (agent/descriptor.h).
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "agent/arena_mapping.h"
#include "agent/descriptor.h"
#include "agent/payload.h"
#include "agent/thread.h"

namespace reprise::agent {

// A struct sockaddr of `length` bytes as records have it; cut to what fits, empty when null.
[[nodiscard]] abi::SocketAddress socket_address(const sockaddr* address, socklen_t length);

// A read that is under way: made before the call, finished after it.
class Receiving {
 public:
  // `requested` is what the service asked for in the whole call, which begins now, or began at
  // `enter`.
  Receiving(Thread& thread, Socket& socket, std::uint64_t requested)
      : Receiving(thread, socket, requested, stamp()) {}
  Receiving(Thread& thread, Socket& socket, std::uint64_t requested, std::uint64_t enter);
  // The call returned `result`, or -1 and `error`; its bytes lie in `gather` from the front. Writes
  // BytesIn and tells the world. Preserves errno.
  void finish(ssize_t result, int error, Gather& gather);

 private:
  Thread& thread_;
  Socket& socket_;
  abi::Cookie cookie_;
  std::uint64_t requested_;
  std::uint64_t enter_;
};

// A send that is under way: announced when it is made, finished after the call.
class Sending {
 public:
  // `gather` holds the `length` bytes that are about to be sent on descriptor `fd`, in a call that
  // begins now, or began at `enter`. It is kept by the caller until finish().
  Sending(Thread& thread, Socket& socket, int fd, Gather& gather, std::uint64_t length, int flags)
      : Sending(thread, socket, fd, gather, length, flags, stamp()) {}
  Sending(Thread& thread, Socket& socket, int fd, Gather& gather, std::uint64_t length, int flags,
          std::uint64_t enter);
  // Bytes that user space never sees: a range of the file `file` from `file_offset` on.
  Sending(Thread& thread, Socket& socket, int file, std::uint64_t file_offset,
          std::uint64_t length);
  // The call returned `result`, or -1 and `error`. Writes what was not announced, and SendResult.
  // Preserves errno.
  void finish(ssize_t result, int error);

 private:
  // Where a record is in the thread's stream, that of all of its segments.
  struct Place {
    std::uint64_t segment = 0;  // position of its first byte
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;  // 0: there is none
  };

  void announce(std::uint64_t from, std::uint64_t to, bool more);
  [[nodiscard]] Place place_of(const std::byte* record, std::uint32_t bytes) const;
  [[nodiscard]] bool finish_whole(std::uint64_t exit);

  Thread& thread_;
  Socket& socket_;
  abi::Cookie cookie_;
  std::uint64_t offset_ = 0;
  std::uint64_t length_;
  std::uint64_t announced_ = 0;
  std::uint64_t enter_;
  Place intent_;  // that announced all of it
  Gather* rest_;  // bytes that were not announced yet; null when the bytes are a file's
};

// The outcome of a connect that was in progress is known now, by whatever means; `error` 0 means
// that it is established.
void learn_connected(Thread& thread, Socket& socket, int error);

// The service is about to use the connection: it has learnt what a wait reported of it. A wait
// itself teaches nothing, since what a thread does between the wait and the first use of one
// connection is done for all that the wait reported.
inline void learn_from_use(Thread& thread, Socket& socket) {
  if (socket.has(kReportedUp)) [[unlikely]]
    learn_connected(thread, socket, 0);
}

// Of a connection whose outcome is not known yet: what a transfer's result tells about it.
inline void learn_from_transfer(Thread& thread, Socket& socket, ssize_t result, int error) {
  if (!socket.has(kConnecting)) [[likely]]
    return;
  if (result < 0 && (error == EAGAIN || error == EINTR || error == ENOTCONN)) return;
  learn_connected(thread, socket, result < 0 ? error : 0);
}

// The Socket has lost its last descriptor, `fd`, which is still open when `fd` is not negative.
// Records the close and gives the Socket back.
void finish_socket(Thread& thread, Socket& socket, int fd);

}  // namespace reprise::agent
