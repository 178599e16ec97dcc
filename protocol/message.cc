#include "protocol/message.h"

#include <algorithm>

#include "protocol/http1/parser.h"
#include "protocol/http1/syntax.h"
#include "protocol/resp/parser.h"

namespace reprise::protocol {
namespace {

Message opaque(std::span<const std::uint8_t> bytes) {
  Message message;
  message.body.assign(bytes.begin(), bytes.end());
  message.decoded_body = message.body;
  return message;
}

}  // namespace

const std::string* Message::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& field) {
    return http1::equal_ignoring_case(field.first, name);
  });
  return found == headers.end() ? nullptr : &found->second;
}

std::vector<std::string_view> Message::values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [other, value] : headers) {
    if (http1::equal_ignoring_case(other, name)) values.push_back(value);
  }
  return values;
}

Message parse_request(event::Protocol protocol, std::span<const std::uint8_t> bytes) {
  std::optional<Message> message;
  if (protocol == event::Protocol::kHttp1) {
    message = http1::parse_request(bytes);
  } else if (protocol == event::Protocol::kResp) {
    message = resp::parse_command(bytes);
  }
  return message ? std::move(*message) : opaque(bytes);
}

Message parse_response(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                       std::string_view request_method) {
  std::optional<Message> message;
  if (protocol == event::Protocol::kHttp1) {
    message = http1::parse_response(bytes, request_method);
  } else if (protocol == event::Protocol::kResp) {
    message = resp::parse_replies(bytes);
  }
  return message ? std::move(*message) : opaque(bytes);
}

}  // namespace reprise::protocol
