// Bytes to messages: one ConnectionDecoder follows both directions of one connection.
//
// Purpose: find where requests and responses begin and end, pair them, and name them. A decoder never
// throws, never blocks and keeps constant memory (bodies are skipped, not kept): it reports *ranges*.
// What it cannot read turns the connection opaque from that point on, told once by on_opaque; bytes
// stay what they are. Each direction's bytes come in stream order without holes; who reads the sides
// in which order is up to the caller, within what causality allows.
//
// Ownership: the sink is borrowed and outlives the decoder. Threading: one thread at a time.
// Sources: RFC 9112 (HTTP/1.1), RFC 1945 (HTTP/1.0), redis.io/docs/reference/protocol-spec (RESP2/3).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "event/exchange.h"

namespace reprise::protocol {

// Which half of the connection bytes belong to: requests go from the client to the server.
enum class Side : std::uint8_t { kClient, kServer };

enum class End : std::uint8_t { kEof, kReset };

// One request with its response, numbered from 1 on its connection in the order of requests.
struct Transaction {
  std::uint64_t ordinal = 0;
  std::string method;     // "GET", "HMGET"
  std::string operation;  // what calls are matched by: "GET /stock" (no query), "HMGET", ""
  std::string target;     // full request target, first key
  std::string status;     // "200", "OK", "ERR", ""
  event::ByteRange request;
  event::ByteRange response;
  bool prelude = false;  // connection set-up, answerable in any context
  bool push = false;     // the server spoke unasked (RESP3 push, server-first greeting): no request
};

// Called while bytes are fed, in stream order for each side.
class TransactionSink {
 public:
  virtual ~TransactionSink() = default;
  virtual void on_request_begin(const Transaction&) = 0;    // its first byte is known
  virtual void on_request_end(const Transaction&) = 0;      // whole; method, operation, target are set
  virtual void on_response_begin(const Transaction&) = 0;
  virtual void on_response_end(const Transaction&) = 0;     // whole; status is set
  // Not readable as `protocol` from here on. Turns that follow are opaque transactions.
  virtual void on_opaque(event::Protocol protocol, std::string_view why, std::uint64_t client_offset,
                         std::uint64_t server_offset) = 0;
};

class ConnectionDecoder {
 public:
  virtual ~ConnectionDecoder() = default;
  virtual event::Protocol protocol() const = 0;
  virtual void feed(Side side, std::span<const std::uint8_t> bytes) = 0;
  virtual void end(Side side, End how) = 0;
};

// Finds the protocol out from the first bytes, then decodes it. Server-first is opaque.
[[nodiscard]] std::unique_ptr<ConnectionDecoder> make_decoder(TransactionSink& sink);

}  // namespace reprise::protocol
