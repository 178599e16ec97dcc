// Takes whole requests and responses of PostgreSQL apart. Pure functions; counts are bounded by the
// bytes that are there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/message.h"

namespace reprise::protocol::postgresql {

// `target` is Transaction::target: what an execution of a prepared statement has of its text. None
// when the bytes are no whole request.
//
// Parameters are `headers`: {"$1", "'7'"}, {"$2", "NULL"}. What a name or a password is does not
// show, but for the bytes themselves.
[[nodiscard]] std::optional<Message> parse_request(std::span<const std::uint8_t> bytes,
                                                   std::string_view target);

// None when the bytes are no whole response. `decoded_body` has a line for each row, and one for
// whatever else is told. What only names the server's process does not show.
[[nodiscard]] std::optional<Message> parse_response(std::span<const std::uint8_t> bytes);

// What the ReadyForQuery at the end of a response says: 'I' idle, 'T' in a transaction, 'E' in one
// that failed; 0 when there is none.
[[nodiscard]] char ready_state(std::span<const std::uint8_t> response);

// Where the AuthenticationOk in a response is.
[[nodiscard]] std::optional<std::uint64_t> acceptance_in(std::span<const std::uint8_t> response);

}  // namespace reprise::protocol::postgresql
