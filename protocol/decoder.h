// Bytes to messages: one ConnectionDecoder follows both directions of one connection.
//
// Purpose: find where requests and responses begin and end, pair them, and name them. A decoder
// never throws, never blocks and keeps constant memory (bodies are skipped, not kept): it reports
// *ranges*. What it cannot read turns the connection opaque from that point on, told once by
// on_opaque; bytes stay what they are. Each direction's bytes come in stream order without holes;
// who reads the sides in which order is up to the caller, within what causality allows. How the
// bytes of a side are cut into feeds changes nothing of what is reported; of datagrams (kUdp, which
// is never found out but told) each feed is one.
//
// Written by hand rather than on Beast's parser: that one keeps a whole header section and a field
// list per message, knows nothing of offsets, and refuses much of what servers answer in practice
// (a missing reason, bare LF), while this must stay under a microsecond and a few bytes for each
// message.
//
// Ownership: the sink is borrowed and outlives the decoder. Threading: one thread at a time.
// Sources: RFC 9112 (HTTP/1.1), RFC 1945 (HTTP/1.0), redis.io/docs/reference/protocol-spec
// (RESP2/3), PostgreSQL documentation, chapter 55 "Frontend/Backend Protocol" (version 3).
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

// One request with its response, numbered from 1 on its connection in the order of requests. Pushes
// are numbered from 1 by themselves, so that their timing does not shift the requests' numbers.
struct Transaction {
  std::uint64_t ordinal = 0;
  event::Protocol protocol = event::Protocol::kUnknown;  // of this transaction; kOpaque for a turn
  std::string method;                                    // "GET", "HMGET", "SELECT"
  std::string operation;  // what calls are matched by: "GET /stock" (no query), "HMGET", ""
  std::string target;     // full request target, first key, text of the statement on one line
  // "200", "OK", "ERR" (Redis: a simple string, "nil", the error code, else "OK"; PostgreSQL: the
  // command tag, "SELECT 3", or the SQLSTATE of an error).
  std::string status;
  event::ByteRange request;
  event::ByteRange response;
  bool prelude = false;  // connection set-up, answerable in any context
  bool push = false;     // the server spoke unasked (RESP3 push, server-first greeting): no request
};

// Called while bytes are fed, in stream order for each side. A response may begin and even end
// before its request has ended (413, 408); interim responses (100, 103) are part of their
// response's range. A request that is never answered by design (Redis: CLIENT REPLY OFF) gets an
// empty response.
//
// An opaque turn has no end of its own: its request ends when the server speaks or the client
// closes, its response when the client speaks again or the server closes. A reset ends nothing.
class TransactionSink {
 public:
  virtual ~TransactionSink() = default;
  virtual void on_request_begin(const Transaction&) = 0;  // its first byte is known
  virtual void on_request_end(const Transaction&) = 0;  // whole; method, operation, target are set
  virtual void on_response_begin(const Transaction&) = 0;
  // Whole; status is set, and `prelude` is false after all if it was set-up that failed.
  virtual void on_response_end(const Transaction&) = 0;
  // Not readable as `protocol` (kUnknown: never was) from these offsets on, or another protocol
  // follows (CONNECT, 101). What follows are opaque turns; a request that is open there becomes
  // one. Responses to requests before `client_offset` are still read as `protocol`.
  virtual void on_opaque(event::Protocol protocol, std::string_view why,
                         std::uint64_t client_offset, std::uint64_t server_offset) = 0;
};

class ConnectionDecoder {
 public:
  virtual ~ConnectionDecoder() = default;
  // Of the bytes that come next: kUnknown until it is found out, kOpaque after on_opaque.
  virtual event::Protocol protocol() const = 0;
  virtual void feed(Side side, std::span<const std::uint8_t> bytes) = 0;
  // `count` bytes passed that the caller cannot show (sendfile). Inside a body that is no loss;
  // anywhere else the connection turns opaque.
  virtual void skip(Side side, std::uint64_t count) = 0;
  virtual void end(Side side, End how) = 0;
};

// Finds the protocol out from the first bytes, then decodes it. Server-first is opaque, but for an
// HTTP response that nobody asked for (408 on an idle connection).
[[nodiscard]] std::unique_ptr<ConnectionDecoder> make_decoder(TransactionSink& sink);

// For a connection whose protocol is known, as at replay: kHttp1, kResp, kPostgres, kAnnotated,
// kUdp or kOpaque; anything else is found out.
[[nodiscard]] std::unique_ptr<ConnectionDecoder> make_decoder(TransactionSink& sink,
                                                              event::Protocol known);

}  // namespace reprise::protocol
