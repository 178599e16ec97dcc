// What the substitute world knows of each open socket beyond agent/descriptor.h.
//
// One array, indexed by Socket::index(), mapped at start-up. A state belongs to the socket whose
// cookie it carries; found with another cookie it starts afresh. A fork copies the array.
//
// Threading: a socket that several threads use at once is theirs to order, as the offsets of its
// streams are; fields that a second thread may read meanwhile are atomics.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>

#include "agent/abi/control.h"
#include "agent/descriptor.h"

namespace reprise::agent {

struct SocketState {
  std::atomic<abi::Cookie> cookie;
  std::atomic<std::uint32_t> link;      // of the control file, kNone
  std::atomic<std::uint32_t> consumed;  // marks of its ring that were read
  std::uint64_t accepted;               // connections a listener gave out
  std::uint64_t read_by_others;         // bytes of it, before it was passed to this process
  bool bound;                           // has a local address of ours
  bool opened;                          // the opening mark was taken
  bool outcome_pending;  // `outcome` is still to be told (SO_ERROR, or a read or send)
  std::int32_t outcome;  // errno of a connect that failed later, as recorded
  // What the service is told; length 0: what the kernel says.
  abi::SocketAddress told_local;
  abi::SocketAddress told_peer;
  abi::SocketAddress asked;   // what a listener's bind asked for
  abi::SocketAddress actual;  // where connect really went
  // SO_RCVTIMEO and SO_SNDTIMEO, which the kernel never sees; 0 none.
  std::atomic<std::int64_t> receive_timeout_ns;
  std::atomic<std::int64_t> send_timeout_ns;
};

// Start-up only. False when the memory cannot be had.
[[nodiscard]] bool map_socket_states(std::uint32_t capacity);

// The state of `socket`; null when there are none.
[[nodiscard]] SocketState* state_of(const Socket& socket);
[[nodiscard]] inline SocketState* state_of(const Socket* socket) {
  return socket != nullptr ? state_of(*socket) : nullptr;
}

// The link the socket is, null when the replayer knows nothing of it.
[[nodiscard]] abi::Link* link_of(const SocketState& state);

// The last mark that is not behind `offset`, with its number; null when there is none.
struct MarkAt {
  const abi::Mark* mark = nullptr;
  std::uint32_t number = 0;
};
[[nodiscard]] MarkAt mark_at(const abi::Link& link, std::uint64_t offset);

// --- Addresses -----------------------------------------------------------------------------------

[[nodiscard]] abi::SocketAddress to_address(const sockaddr* address, socklen_t length);
// Copies as the kernel does: at most *length bytes, and *length becomes the whole size.
void copy_out(const abi::SocketAddress& from, sockaddr* address, socklen_t* length);
// The kernel's own name of the socket.
[[nodiscard]] abi::SocketAddress kernel_local_address(int fd);

}  // namespace reprise::agent
