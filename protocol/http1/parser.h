// Takes a whole HTTP/1 message apart. Same grammar as the codec (syntax.h). Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "protocol/message.h"

namespace reprise::protocol::http1 {

// None when the first line is not one of HTTP/1.
[[nodiscard]] std::optional<Message> parse_request(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::optional<Message> parse_response(std::span<const std::uint8_t> bytes,
                                                    std::string_view request_method);

}  // namespace reprise::protocol::http1
