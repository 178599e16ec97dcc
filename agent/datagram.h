// What datagram sockets exchange, as records: each datagram whole, on a connection of its peer.
//
// A socket that is connected to its peer is that connection itself. One that names its peer with
// each datagram has a *flow* for every peer it sends to: a connection with a name and offsets of
// its own, opened by the first datagram that goes there. A socket that hears from somebody it never
// sent to serves, and is not followed. Neither are socket pairs, and sockets of other families than
// the Internet's and Unix.
//
// Flows lie in a table of fixed size; the oldest of a full row gives way. A forked child has flows
// of its own: a key tells the process, too.
//
// Threading: any thread. Two that send the first datagram to one peer at once may open two flows.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>

#include "agent/connection.h"
#include "agent/descriptor.h"
#include "agent/payload.h"
#include "agent/thread.h"

namespace reprise::agent {

struct DatagramFlow {
  std::atomic<std::uint64_t> key;  // of process, socket and peer; 0 free
  abi::Cookie cookie;              // its name in records
  abi::Cookie socket;
  std::atomic<std::uint64_t> in_offset, out_offset;
  abi::SocketAddress peer;
};
inline constexpr std::uint32_t kFlows = 256;

[[gnu::visibility("hidden")]] extern constinit DatagramFlow datagram_flows[kFlows];

// The number of this socket's flow to `peer`; kFlows when there is none.
[[nodiscard]] std::uint32_t find_flow(const Socket& socket, const abi::SocketAddress& peer);

// Under which name a wait reports the socket: that of its latest flow, if it has any.
[[nodiscard]] abi::Cookie reported_cookie(const Socket& socket);

// A datagram that is about to go: announced when this is made, finished after the call.
class DatagramSending {
 public:
  // `to`: null when the call names nobody.
  DatagramSending(Thread& thread, Socket& socket, int fd, const sockaddr* to, socklen_t to_length,
                  Gather gather, std::uint64_t length);
  // The call returned `result`. Preserves errno.
  void finish(ssize_t result);

 private:
  Thread& thread_;
  abi::Cookie cookie_ = 0;  // 0: not followed
  std::uint64_t offset_ = 0;
  std::uint64_t enter_;
};

// A receive that began at `enter` returned `result`, with errno; the datagram lies in `gather`.
// `from`: what the call told of its source, null when it was not asked. Preserves errno.
void record_datagram(Thread& thread, Socket& socket, std::uint64_t enter, Gather gather,
                     std::uint64_t requested, ssize_t result, const sockaddr* from,
                     socklen_t from_length);

// The socket is about to be connected to another peer, or to none: what it was is over.
void end_datagram_connection(Thread& thread, Socket& socket);
// It was connected.
void begin_datagram_connection(Socket& socket);
// It is about to be given back.
void close_flows(Thread& thread, const Socket& socket);

}  // namespace reprise::agent
