// The heads of what the SDK says (docs/sdk.md, "On the wire"): one line, then as many bytes as it
// tells.
//
//   CALL keystore.get 25 REPRISE/1       an annotated call begins; its arguments follow
//   ENTRY orders 112 REPRISE/1           an input came in at an entry point
//   DONE 8 REPRISE/1                     what became of either; or THREW. A replay has PERFORM and
//                                        MISSED too, for a call that has no recorded outcome
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reprise::protocol::annotated {

inline constexpr std::string_view kVersion = "REPRISE/1";

struct RequestHead {
  std::string_view verb;  // "CALL" or "ENTRY"
  std::string_view name;
  std::uint64_t length = 0;  // of what follows
};

struct ResponseHead {
  std::string_view status;  // "DONE", "THREW", "PERFORM", "MISSED"
  std::uint64_t length = 0;
};

// `line` is without its end. None when it is no such head.
[[nodiscard]] std::optional<RequestHead> parse_request_head(std::string_view line);
[[nodiscard]] std::optional<ResponseHead> parse_response_head(std::string_view line);

}  // namespace reprise::protocol::annotated
