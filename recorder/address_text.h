// Socket addresses as the kernel has them, as text. Stateless; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "agent/abi/records.h"
#include "event/event.h"

namespace reprise::recorder {

// "192.0.2.1:80", "[::1]:80", "unix:/path", "unix:@abstract", "unix:" for an unnamed one, "" for
// none. A v4-mapped IPv6 address is written as IPv4: it is the same peer. "annotated" and
// "entry:NAME" for what only the SDK's words make (abi::kSpokenPrefix).
[[nodiscard]] std::string address_text(std::span<const std::uint8_t> sockaddr);
// The same without the port.
[[nodiscard]] std::string host_text(std::span<const std::uint8_t> sockaddr);
// In host byte order; 0 when there is none.
[[nodiscard]] std::uint16_t port_of(std::span<const std::uint8_t> sockaddr);
[[nodiscard]] bool is_unix(std::span<const std::uint8_t> sockaddr);

// Raw bytes of an ABI address, bounded by its array.
[[nodiscard]] std::span<const std::uint8_t> raw_bytes(const abi::SocketAddress& address);
[[nodiscard]] event::Address to_address(const abi::SocketAddress& address);

}  // namespace reprise::recorder
