// Takes whole Redis commands and replies apart. Pure functions; nesting and counts are bounded by
// the bytes that are there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "protocol/message.h"
#include "protocol/value/value.h"

namespace reprise::protocol::resp {

// None when the bytes are no command, or not a whole one.
[[nodiscard]] std::optional<Message> parse_command(std::span<const std::uint8_t> bytes);

// None when the bytes are no whole reply. A response of several replies (confirmations of
// SUBSCRIBE) is one message.
[[nodiscard]] std::optional<Message> parse_replies(std::span<const std::uint8_t> bytes);

// The structure of one reply, or of several as an array. Maps are objects (keys that are no strings
// are written as JSON), sets and pushes arrays, attributes are left out.
[[nodiscard]] std::optional<Value> parse_reply_value(std::span<const std::uint8_t> bytes);

// As redis-cli prints it: "(integer) 5", "1) \"a\"".
[[nodiscard]] std::string describe_reply(const Value& value);

}  // namespace reprise::protocol::resp
