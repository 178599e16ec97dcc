#include "protocol/http1/parser.h"

#include <algorithm>
#include <string>

#include "protocol/coding/content_coding.h"
#include "protocol/http1/syntax.h"

namespace reprise::protocol::http1 {
namespace {

// What is left of a message; lines and bytes come off its front.
class Rest {
 public:
  explicit Rest(std::span<const std::uint8_t> bytes)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }

  // The next line without its end; what is left when no end comes.
  std::string_view line() {
    const std::size_t feed = std::min(text_.find('\n'), text_.size());
    std::string_view line = take(feed);
    take(1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    return line;
  }

  // At most `count` bytes.
  std::string_view take(std::uint64_t count) {
    const std::string_view taken =
        text_.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(count, text_.size())));
    text_.remove_prefix(taken.size());
    return taken;
  }

  void skip_empty_lines() { take(std::min(text_.find_first_not_of("\r\n"), text_.size())); }

 private:
  std::string_view text_;
};

struct Head {
  Fields fields;
  FramingFields framing;
  bool whole = false;  // it ended with an empty line
};

Head parse_fields(Rest& rest) {
  Head head;
  while (!rest.empty()) {
    const std::string_view line = rest.line();
    if (line.empty()) {
      head.whole = true;
      break;
    }
    head.framing.take(line);
    if (is_folded(line)) {
      if (!head.fields.empty()) {
        head.fields.back().second.append(" ").append(trim(line));
      }
      continue;
    }
    const Field field = split_field(line);
    head.fields.emplace_back(field.name, field.value);
  }
  return head;
}

void append(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// RFC 9112 section 7.1.3.
void parse_chunks(Rest& rest, Message& message) {
  while (!rest.empty()) {
    const auto size = parse_chunk_size(rest.line());
    if (!size) {
      message.body_problem = "a chunk's size is not readable";
      append(message.body, rest.take(rest.size()));
      return;
    }
    if (*size == 0) {
      Head trailers = parse_fields(rest);
      message.trailers = std::move(trailers.fields);
      if (!trailers.whole) {
        message.body_problem = "cut in the trailers";
      }
      return;
    }
    const std::string_view data = rest.take(*size);
    append(message.body, data);
    if (data.size() < *size) {
      break;
    }
    rest.line();
  }
  message.body_problem = "cut after " + std::to_string(message.body.size()) + " bytes of body";
}

void parse_body(Rest& rest, const Framing& framing, Message& message) {
  switch (framing.kind) {
    case Framing::Kind::kNone:
    case Framing::Kind::kTunnel:
      break;
    case Framing::Kind::kLength:
      append(message.body, rest.take(framing.length));
      if (message.body.size() < framing.length) {
        message.body_problem = "cut after " + std::to_string(message.body.size()) + " of " +
                               std::to_string(framing.length) + " bytes of body";
      }
      break;
    case Framing::Kind::kChunked:
      parse_chunks(rest, message);
      break;
    case Framing::Kind::kUnreadable:
      message.body_problem = framing.why;
      [[fallthrough]];
    case Framing::Kind::kUntilClose:
      append(message.body, rest.take(rest.size()));
      break;
  }
  if (!rest.empty() && message.body_problem.empty()) {
    message.body_problem = std::to_string(rest.size()) + " bytes follow the message";
  }
}

// All values of a header, joined as a list.
std::string joined(const Message& message, std::string_view name) {
  std::string list;
  for (const auto& [field, value] : message.headers) {
    if (equal_ignoring_case(field, name)) {
      list += (list.empty() ? "" : ",") + value;
    }
  }
  return list;
}

// Transfer codings other than chunked: taken off the body, as they are no part of the content.
void remove_transfer_coding(Message& message) {
  std::string codings = joined(message, "Transfer-Encoding");
  std::transform(codings.begin(), codings.end(), codings.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (codings.empty() || codings == "chunked") {
    return;
  }
  const std::size_t chunked = codings.rfind("chunked");
  DecodedContent decoded =
      decode_content(codings.substr(0, std::min(chunked, codings.size())), message.body);
  message.body = std::move(decoded.bytes);
  if (message.body_problem.empty()) {
    message.body_problem = std::move(decoded.problem);
  }
}

void finish(Message& message) {
  remove_transfer_coding(message);
  DecodedContent decoded = decode_content(joined(message, "Content-Encoding"), message.body);
  message.decoded_body = std::move(decoded.bytes);
  if (message.body_problem.empty()) {
    message.body_problem = std::move(decoded.problem);
  }
  if (const std::string* type = message.header("Content-Type")) {
    message.content_type = trim(std::string_view(*type).substr(0, type->find(';')));
    std::transform(message.content_type.begin(), message.content_type.end(),
                   message.content_type.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
}

}  // namespace

std::optional<Message> parse_request(std::span<const std::uint8_t> bytes) {
  Rest rest(bytes);
  rest.skip_empty_lines();
  const auto line = parse_request_line(rest.line());
  if (!line) {
    return std::nullopt;
  }
  Message message;
  message.protocol = event::Protocol::kHttp1;
  message.method = line->method;
  message.target = line->target;
  message.version = line->version;
  Head head = parse_fields(rest);
  message.headers = std::move(head.fields);
  if (head.whole) {
    parse_body(rest, head.framing.of_request(), message);
  } else {
    message.body_problem = "cut in the headers";
  }
  finish(message);
  return message;
}

std::optional<Message> parse_response(std::span<const std::uint8_t> bytes,
                                      std::string_view request_method) {
  Rest rest(bytes);
  Message message;
  message.protocol = event::Protocol::kHttp1;
  for (;;) {
    rest.skip_empty_lines();
    const auto line = parse_status_line(rest.line());
    if (!line) {
      return std::nullopt;
    }
    Head head = parse_fields(rest);
    const bool interim = line->status.starts_with('1') && line->status != "101";
    if (interim && head.whole && !rest.empty()) {
      message.interim.push_back(
          {std::string(line->status), std::string(line->reason), std::move(head.fields)});
      continue;
    }
    message.status = line->status;
    message.reason = line->reason;
    message.version = line->version;
    message.headers = std::move(head.fields);
    if (head.whole) {
      parse_body(rest, head.framing.of_response(message.status, request_method), message);
    } else {
      message.body_problem = "cut in the headers";
    }
    finish(message);
    return message;
  }
}

}  // namespace reprise::protocol::http1
