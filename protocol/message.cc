#include "protocol/message.h"

#include <algorithm>
#include <functional>

#include "protocol/annotated/syntax.h"
#include "protocol/http1/parser.h"
#include "protocol/http1/syntax.h"
#include "protocol/masking.h"
#include "protocol/postgresql/parser.h"
#include "protocol/resp/parser.h"

namespace reprise::protocol {
namespace {

Message opaque(std::span<const std::uint8_t> bytes) {
  Message message;
  message.body.assign(bytes.begin(), bytes.end());
  message.decoded_body = message.body;
  return message;
}

// What cannot be read as what it is, because it was cut off, is shown byte for byte.
Message unread(event::Protocol protocol, std::span<const std::uint8_t> bytes) {
  Message message = opaque(bytes);
  if (!may_prove_identity(protocol, bytes)) return message;
  const std::string words =
      "(" + std::to_string(bytes.size()) + " bytes that may prove who the client is)";
  message.is_secret = true;
  message.decoded_body.assign(words.begin(), words.end());
  return message;
}

// The head of a message of the SDK, and what follows it as far as it is there.
struct Spoken {
  std::string_view head;
  std::span<const std::uint8_t> body;
};

std::optional<Spoken> split(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  return Spoken{text.substr(0, end), bytes.subspan(end + 1)};
}

void set_body(Message& message, std::span<const std::uint8_t> body, std::uint64_t length) {
  message.protocol = event::Protocol::kAnnotated;
  message.version = annotated::kVersion;
  const std::size_t whole = static_cast<std::size_t>(std::min<std::uint64_t>(length, body.size()));
  message.body.assign(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(whole));
  message.decoded_body = message.body;
  if (whole < length) message.body_problem = "cut off";
}

std::optional<Message> parse_annotated_request(std::span<const std::uint8_t> bytes) {
  const auto spoken = split(bytes);
  const auto head = spoken ? annotated::parse_request_head(spoken->head) : std::nullopt;
  if (!head) return std::nullopt;
  Message message;
  message.method = head->verb;
  message.target = head->name;
  set_body(message, spoken->body, head->length);
  return message;
}

std::optional<Message> parse_annotated_response(std::span<const std::uint8_t> bytes) {
  const auto spoken = split(bytes);
  const auto head = spoken ? annotated::parse_response_head(spoken->head) : std::nullopt;
  if (!head) return std::nullopt;
  Message message;
  message.status = head->status;
  set_body(message, spoken->body, head->length);
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

Message parse_request(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                      std::string_view target) {
  std::optional<Message> message;
  if (protocol == event::Protocol::kHttp1) {
    message = http1::parse_request(bytes);
  } else if (protocol == event::Protocol::kResp) {
    message = resp::parse_command(bytes);
  } else if (protocol == event::Protocol::kPostgres) {
    message = postgresql::parse_request(bytes, target);
  } else if (protocol == event::Protocol::kAnnotated) {
    message = parse_annotated_request(bytes);
  }
  return message ? std::move(*message) : unread(protocol, bytes);
}

Message parse_response(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                       std::string_view request_method) {
  std::optional<Message> message;
  if (protocol == event::Protocol::kHttp1) {
    message = http1::parse_response(bytes, request_method);
  } else if (protocol == event::Protocol::kResp) {
    message = resp::parse_replies(bytes);
  } else if (protocol == event::Protocol::kPostgres) {
    message = postgresql::parse_response(bytes);
  } else if (protocol == event::Protocol::kAnnotated) {
    message = parse_annotated_response(bytes);
  }
  return message ? std::move(*message) : unread(protocol, bytes);
}

bool asks_state(event::Protocol protocol, std::string_view operation) {
  return protocol == event::Protocol::kPostgres && operation == "SYNC";
}

bool proves_identity(event::Protocol protocol, std::string_view operation) {
  return protocol == event::Protocol::kPostgres && operation == "AUTH";
}

std::optional<std::uint64_t> acceptance_in(event::Protocol protocol,
                                           std::span<const std::uint8_t> response) {
  if (protocol != event::Protocol::kPostgres) return std::nullopt;
  return postgresql::acceptance_in(response);
}

std::size_t request_hash(event::Protocol protocol, std::span<const std::uint8_t> bytes,
                         std::string_view target) {
  const auto text = [](const auto& content) {
    return std::string_view(reinterpret_cast<const char*>(content.data()), content.size());
  };
  if (protocol != event::Protocol::kPostgres) return std::hash<std::string_view>{}(text(bytes));
  const Message message = parse_request(protocol, bytes, target);
  std::string said = message.method + "\n" + message.target + "\n";
  for (const auto& [name, value] : message.headers) said += name + "=" + value + "\n";
  said += text(message.decoded_body);
  return std::hash<std::string>{}(said);
}

std::string call_title(const event::Call& call) {
  if (call.target.empty() || call.target == call.operation) return call.operation;
  // An HTTP operation names the target already, without its query; a statement says what it does.
  const auto first_word = [](std::string_view text) { return text.substr(0, text.find(' ')); };
  const bool says_it_all =
      call.protocol == event::Protocol::kPostgres &&
      http1::equal_ignoring_case(first_word(call.operation), first_word(call.target));
  if (call.protocol == event::Protocol::kHttp1) return call.operation;
  if (!says_it_all) return call.operation + " " + call.target;
  return call.target + (call.operation.ends_with(" DATA") ? " (data)" : "");
}

char state_after(event::Protocol protocol, std::span<const std::uint8_t> response) {
  return protocol == event::Protocol::kPostgres ? postgresql::ready_state(response) : '\0';
}

}  // namespace reprise::protocol
