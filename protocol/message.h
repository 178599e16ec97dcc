// A whole message taken apart, for people, matching and diff.
//
// parse_request and parse_response take exactly the bytes of one message (a Transaction's range)
// and never fail: what cannot be read comes back as an opaque message with the raw bytes as its
// body.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/exchange.h"

namespace reprise::protocol {

using event::Bytes;

struct Message {
  event::Protocol protocol = event::Protocol::kOpaque;
  std::string method, target;                                // requests
  std::string version;                                       // "HTTP/1.1", "RESP2"
  std::string status, reason;                                // responses
  std::vector<std::pair<std::string, std::string>> headers;  // as sent, order and case kept
  std::vector<std::pair<std::string, std::string>> trailers;
  Bytes body;                // transfer coding removed, content coding still on
  Bytes decoded_body;        // content coding (gzip, deflate) removed too; == body when none
  std::string content_type;  // lower case, without parameters
  std::vector<std::string> arguments;  // RESP commands: all of them, the command first
  std::string body_problem;            // "" or why decoded_body is not decoded

  // Value of the first header of that name, compared without case; nullptr when absent.
  const std::string* header(std::string_view name) const;
};

[[nodiscard]] Message parse_request(event::Protocol protocol, std::span<const std::uint8_t> bytes);
// `request_method` decides whether a response has a body (HEAD); pass "" when it is not known.
[[nodiscard]] Message parse_response(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                                     std::string_view request_method);

// How two requests compare. `difference` names the first thing that differs and is not on the list
// of what may (docs/matching.md): hop and trace headers, dates, multipart boundaries.
struct RequestComparison {
  enum class Degree : std::uint8_t { kExact, kRelaxed, kDifferent };
  Degree degree = Degree::kExact;
  std::string difference;  // "header X-Request-Id", "body", "argument 2"; "" when exact
};
[[nodiscard]] RequestComparison compare_requests(const Message& recorded, const Message& actual);

}  // namespace reprise::protocol
