// Tells a connection's protocol from the first bytes that either side sent. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "event/exchange.h"

namespace reprise::protocol {

struct Detection {
  // kUnknown: more bytes are needed. kOpaque: none that is decoded.
  event::Protocol protocol = event::Protocol::kUnknown;
  std::string why;  // kOpaque: what it is instead, as far as that can be told
};

// No first line is longer in a protocol that is decoded; a longer one is opaque.
inline constexpr std::size_t kMaxDetectionBytes = std::size_t{64} * 1024;

// `first` is all that the client sent so far. Text is told by its whole first line: HTTP and what
// the SDK says by the version at its end, an inline Redis command by its name. memcached and its kin, which share names
// with Redis in lower case, are opaque.
[[nodiscard]] Detection detect_from_client(std::string_view first);

// `first` is all that the server sent so far, while the client's protocol was not known yet.
[[nodiscard]] Detection detect_from_server(std::string_view first);

}  // namespace reprise::protocol
