// A whole message taken apart, for people, matching and diff.
//
// parse_request and parse_response take exactly the bytes of one message (a Transaction's range)
// and never fail: what cannot be read comes back as an opaque message with the raw bytes as its
// body. A message that was cut short comes back as far as it goes, and body_problem says so.
//
// Plain data and pure functions. Memory is a small multiple of the message; decoded bodies are
// bounded (coding/content_coding.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/exchange.h"

namespace reprise::protocol {

using event::Bytes;
using Fields = std::vector<std::pair<std::string, std::string>>;

// An interim response (100 Continue, 103 Early Hints) that came before the final one.
struct InterimResponse {
  std::string status, reason;
  Fields headers;
};

struct Message {
  event::Protocol protocol = event::Protocol::kOpaque;
  std::string method, target;  // requests; Redis: command and first key; as Transaction's
  std::string version;         // "HTTP/1.1", "RESP2", "RESP3", "3.0"
  std::string status, reason;  // responses; Redis: as Transaction::status, and an error's message
  std::vector<InterimResponse> interim;
  // As sent, order and case kept; a folded line is joined by one blank. PostgreSQL: a request's
  // parameters, {"$1", "'7'"}.
  Fields headers;
  Fields trailers;
  Bytes body;                // transfer coding removed, content coding still on; others: raw
  Bytes decoded_body;        // content coding (gzip, deflate, zstd) removed too; == body when
                             // none; Redis replies: readable text as redis-cli prints it;
                             // PostgreSQL: the statement as sent, rows as lines
  std::string content_type;  // lower case, without parameters
  std::vector<std::string> arguments;  // RESP commands: all of them, the command first
  std::string body_problem;            // "" or why decoded_body is not decoded, or not whole
  // The bytes prove who somebody is and nothing else (masking.h); decoded_body says so without
  // them.
  bool is_secret = false;

  // Value of the first header of that name, compared without case; nullptr when absent.
  const std::string* header(std::string_view name) const;
  // Values of all headers of that name, in the order they were sent. They live as long as
  // `headers`.
  std::vector<std::string_view> values(std::string_view name) const;
};

// `target` is Transaction::target; of a request that names what it is about by a handle of its
// connection (PostgreSQL: a prepared statement) the bytes do not have it.
[[nodiscard]] Message parse_request(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                                    std::string_view target = {});
// `request_method` decides whether a response has a body (HEAD); pass "" when it is not known.
[[nodiscard]] Message parse_response(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                                     std::string_view request_method);

// Whether a request only asks for the state its connection is in (PostgreSQL's Sync), and what a
// response says of it at its end: PostgreSQL's 'I', 'T' or 'E', 0 when it says nothing.
[[nodiscard]] bool asks_state(event::Protocol protocol, std::string_view operation);
[[nodiscard]] char state_after(event::Protocol protocol, std::span<const std::uint8_t> response);

// Whether a request proves who the client is (PostgreSQL's passwords and SASL messages), and from
// where on a response to one says that it was taken; none when it does not.
[[nodiscard]] bool proves_identity(event::Protocol protocol, std::string_view operation);
[[nodiscard]] std::optional<std::uint64_t> acceptance_in(event::Protocol protocol,
                                                         std::span<const std::uint8_t> response);

// Equal for equal requests, whatever handles they name (PostgreSQL: statements and portals).
[[nodiscard]] std::size_t request_hash(event::Protocol protocol,
                                       std::span<const std::uint8_t> bytes,
                                       std::string_view target);

// What a call is called for people: "SELECT count FROM stock", "POST /charge", "HMGET stock"; ""
// for an opaque one.
[[nodiscard]] std::string call_title(const event::Call& call);

// How two requests compare. `difference` names the first thing that differs and is not on the list
// of what may (docs/matching.md), else the first that differs at all: hop and trace headers, dates,
// multipart boundaries.
struct RequestComparison {
  enum class Degree : std::uint8_t { kExact, kRelaxed, kDifferent };
  Degree degree = Degree::kExact;
  std::string difference;  // "header X-Request-Id", "body", "argument 2"; "" when exact
};
[[nodiscard]] RequestComparison compare_requests(const Message& recorded, const Message& actual);

}  // namespace reprise::protocol
