// What the first bytes of a TLS connection look like. Stateless; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace reprise::protocol {

// Whether `bytes` begin with a ClientHello (RFC 8446, 4.1.2, in a record of 5.1).
[[nodiscard]] inline bool begins_client_hello(std::span<const std::uint8_t> bytes) {
  constexpr std::uint8_t kHandshakeRecord = 22, kClientHello = 1;
  return bytes.size() > 5 && bytes[0] == kHandshakeRecord && bytes[1] == 3 &&
         bytes[5] == kClientHello;
}

}  // namespace reprise::protocol
