// Exchanges, external calls and connections: what the collector derives from events.
//
// These are stored beside the events (an archive without a footer still has those that were
// complete) and make up the index.
#pragma once

#include <cstdint>
#include <string>

#include "event/event.h"

namespace reprise::event {

enum class Protocol : std::uint8_t {
  kUnknown = 0,
  kHttp1,
  kResp,
  kOpaque,
  kPostgres,
  kHttp2,
  kAnnotated,
  kUdp  // datagrams, whatever they say
};
enum class Direction : std::uint8_t {
  kInbound,
  kOutbound
};  // accepted by, or opened by, the service

struct Connection {
  ConnectionId id;
  ProcessId process;  // that accepted or opened it
  Direction direction = Direction::kInbound;
  Protocol protocol = Protocol::kUnknown;
  Address local, peer;
  std::string peer_name;       // name the service looked up to get `peer`, empty when none
  ConnectionId listener;       // inbound: which one accepted it
  std::uint64_t recorded = 0;  // replay: ConnectionId in the recording, 0 none
  std::uint64_t socket = 0;  // the kernel's SO_COOKIE; by it a recovery finds the connection again
  bool internal = false;     // both ends lie inside the service
  Stamp opened, closed;
  std::uint32_t tls =
      0;  // version as in TlsNegotiated, 0: what is here crossed the network as it is
};

// One request with its response on one connection; or what the service said there unasked (a
// greeting, a RESP3 push), whose request is empty.
struct Exchange {
  ExchangeId id;
  ConnectionId connection;
  std::uint64_t ordinal = 0;  // on its connection, from 1, in the order in which they began
  ProcessId process;
  Protocol protocol = Protocol::kUnknown;
  std::string method;  // HTTP method, Redis command, "" when opaque
  std::string target;  // request target or key
  std::string status;  // "200", "OK", "ERR"; "" when there is none
  ByteRange request;   // in the bytes the service received
  ByteRange response;  // in the bytes the service sent
  Stamp first_byte_in, last_byte_in, first_byte_out, last_byte_out;
  bool complete = false;       // whole request and response, no gap touched it
  std::string incomplete_why;  // "" when complete
  std::uint64_t calls = 0;     // external calls in its context
  std::uint64_t draws = 0;     // clock and random draws in its context
};

// One outbound request with its response. `ordinal` counts calls with equal (context, peer,
// protocol, operation), from 0: together they are the address answers are matched by.
struct Call {
  CallId id;
  Context context;
  ConnectionId connection;
  Protocol protocol = Protocol::kUnknown;
  std::string peer;       // name and port the service used, else address
  std::string operation;  // "POST /charge", "HMGET", "" when opaque
  std::string target;     // target or first key, for people
  std::string status;
  std::uint64_t ordinal = 0;
  ByteRange request;   // in the bytes the service sent
  ByteRange response;  // in the bytes the service received
  Stamp first_byte_out, last_byte_out, first_byte_in, last_byte_in;
  bool prelude = false;  // connection set-up (AUTH, HELLO, SELECT…): answerable in any context
  bool complete = false;
};

}  // namespace reprise::event
