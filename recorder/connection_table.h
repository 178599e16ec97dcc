// The sockets of the service that are open, by the kernel's cookie and by connection number.
//
// A socket may be held by several processes (forks, descriptor passing); it is closed when the last
// one let go. Connections whose two ends both belong to the service are found by their address
// pairs.
//
// Ownership: owns the connections. References hold until close(). Threading: the collector's
// thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/abi/records.h"
#include "event/exchange.h"
#include "recorder/byte_stream.h"
#include "recorder/conversation.h"
#include "recorder/flat_index.h"

namespace reprise::recorder {

enum class SocketKind : std::uint8_t { kUnknown, kListener, kConnection, kPair, kDatagram };

struct ConnectionState {
  event::Connection info;
  SocketKind kind = SocketKind::kUnknown;
  ByteStream in;
  ByteStream out;
  event::Bytes datagram_in, datagram_out;  // parts of one that is told in several records
  Acceptance acceptance;                   // of `out`
  bool ended = false;                      // end of stream was read
  bool reset = false;
  std::unique_ptr<Conversation> conversation;  // none: nothing to decode
  InboundConversation* inbound = nullptr;      // == conversation, on an accepted connection
  OutboundConversation* outbound = nullptr;    // == conversation, on an opened one
  event::Context owner;    // opened: the context it was opened in, or that used it last
  event::ThreadId reader;  // that read from it last
  event::ThreadId user;    // that read or sent last
  std::vector<event::ProcessId> holders;  // processes that have it open
  bool passed_on = false;                 // a message that has it is on its way to another process
  // Of those that got it in a message: how far its streams were then, where they count from 0.
  struct Base {
    event::ProcessId process;
    std::uint64_t in = 0, out = 0;
  };
  std::vector<Base> bases;
  Base passed;                    // of the message on its way
  std::int32_t peer_pid = 0;      // accepted on a Unix socket: who connected, else 0
  event::ConnectionId other_end;  // of an internal connection
  // Internal: for whom the bytes below each offset were sent, oldest first.
  std::vector<std::pair<std::uint64_t, event::Context>> carried;
  // The same of what it sent itself before its other end was known.
  std::vector<std::pair<std::uint64_t, event::Context>> ahead;
  event::Stamp last_used;
  std::uint32_t place = 0;

  // Which side of the conversation the service's reads or sends are.
  protocol::Side side(bool sent) const {
    return (outbound != nullptr) == sent ? protocol::Side::kClient : protocol::Side::kServer;
  }
};

class ConnectionTable {
 public:
  // nullptr when there is none.
  ConnectionState* find(abi::Cookie cookie);
  ConnectionState* find(event::ConnectionId id);
  // With the next number; by that alone when the cookie is 0.
  ConnectionState& open(abi::Cookie cookie);
  // The reference is void afterwards.
  void close(ConnectionState& state);

  // Adds a connection to those by whose addresses the other end is found. Returns the other end
  // when it is known, which makes both internal.
  ConnectionState* pair_up(ConnectionState& state);
  // The same of a connection through a Unix socket, whose clients are unnamed: `pid` connected.
  // Those of one process to one listener are taken for each other's ends in their order.
  ConnectionState* pair_up_unix(ConnectionState& state, std::int32_t pid);

  // In the order of their numbers. The visitor may close what it is given.
  void each(const std::function<void(ConnectionState&)>& visit);
  std::size_t size() const { return by_id_.size(); }
  std::uint64_t opened() const { return last_id_; }

 private:
  static std::string pair_key(const event::Address& first, const event::Address& second);

  std::vector<std::unique_ptr<ConnectionState>> places_;
  std::vector<std::uint32_t> free_;
  FlatIndex by_cookie_, by_id_;
  std::unordered_map<std::string, event::ConnectionId>
      by_pair_;  // (local, peer) of opened and accepted
  // By (listener, process that connected): those of one direction that have no other end yet.
  std::unordered_map<std::string, std::vector<event::ConnectionId>> unpaired_;
  std::uint64_t last_id_ = 0;
  ConnectionState* latest_ = nullptr;  // found last: most records are of the same connection
};

}  // namespace reprise::recorder
