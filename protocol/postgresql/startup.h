// What a client says first: packets without a type byte, a length and a code (PostgreSQL
// documentation, section 55.2.1 "Start-up", and 55.7 "Message Formats": StartupMessage, SSLRequest,
// GSSENCRequest, CancelRequest). Pure functions.
//
//   Int32 length, itself included | Int32 code | what the code asks for
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reprise::protocol::postgresql {

enum class StartupKind : std::uint8_t { kStartup, kSsl, kGss, kCancel };

// The server reads no longer packet (src/include/libpq/pqcomm.h, MAX_STARTUP_PACKET_LENGTH).
inline constexpr std::uint32_t kMaxStartup = 10000;
inline constexpr std::size_t kStartupHead = 8;

// None when no client begins so. `length` is that of the whole packet.
[[nodiscard]] std::optional<StartupKind> startup_kind(std::uint32_t length, std::uint32_t code);

// Whether a connection on which the client sent `first` so far speaks this protocol; none while it
// cannot be told. A start-up message must go on with a parameter's name: Kafka's requests begin
// with the same eight bytes.
[[nodiscard]] std::optional<bool> is_startup(std::string_view first);

// Network byte order; `text` has four bytes at `at`.
[[nodiscard]] std::uint32_t read_u32(std::string_view text, std::size_t at = 0);

}  // namespace reprise::protocol::postgresql
