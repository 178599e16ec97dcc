#include "protocol/resp/parser.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/resp/commands.h"

namespace reprise::protocol::resp {
namespace {

// Recursion over a reply is bounded by this, as in the scanner.
constexpr int kMaxDepth = 128;

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  text.remove_prefix(text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// Reads lines and counted bytes off the front of a message.
class Rest {
 public:
  explicit Rest(std::span<const std::uint8_t> bytes)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  bool empty() const { return text_.empty(); }
  char front() const { return text_.front(); }
  void skip_empty_lines() {
    text_.remove_prefix(std::min(text_.find_first_not_of("\r\n"), text_.size()));
  }

  std::optional<std::string_view> line() {
    const std::size_t feed = text_.find('\n');
    if (feed == std::string_view::npos) {
      return std::nullopt;
    }
    std::string_view line = text_.substr(0, feed);
    text_.remove_prefix(feed + 1);
    line.remove_suffix(line.ends_with('\r') ? 1 : 0);
    return line;
  }

  // `size` bytes and the line end behind them.
  std::optional<std::string_view> counted(std::int64_t size) {
    if (size < 0 || static_cast<std::uint64_t>(size) > text_.size()) {
      return std::nullopt;
    }
    const std::string_view content = text_.substr(0, static_cast<std::size_t>(size));
    text_.remove_prefix(content.size());
    const auto end = line();
    return end && end->empty() ? std::optional(content) : std::nullopt;
  }

 private:
  std::string_view text_;
};

Value make(Value::Kind kind, std::string_view text = {}) {
  Value value;
  value.kind = kind;
  value.text = text;
  return value;
}

class ReplyParser {
 public:
  explicit ReplyParser(Rest& rest) : rest_(rest) {}

  bool resp3() const { return resp3_; }

  std::optional<Value> parse(int depth = 0) {
    const auto line = rest_.line();
    if (!line || line->empty() || depth > kMaxDepth) {
      return std::nullopt;
    }
    const char type = line->front();
    const std::string_view text = line->substr(1);
    resp3_ |= std::string_view("+-:$*").find(type) == std::string_view::npos;
    switch (type) {
      case '+':
        return make(Value::Kind::kString, text);
      case '-':
        return make(Value::Kind::kError, text);
      case ':':
      case '(':
        return make(Value::Kind::kNumber, text);
      case ',':
        return make(is_number(text) ? Value::Kind::kNumber : Value::Kind::kString, text);
      case '#':
        return make(Value::Kind::kBoolean, text == "t" ? "true" : "false");
      case '_':
        return make(Value::Kind::kNull);
      case '$':
      case '!':
      case '=':
        return string(type, text);
      case '|': {
        const auto attributes = aggregate(type, text, depth);
        return attributes ? parse(depth + 1) : std::nullopt;
      }
      case '*':
      case '~':
      case '>':
      case '%':
        return aggregate(type, text, depth);
      default:
        return std::nullopt;
    }
  }

 private:
  static bool is_number(std::string_view text) {  // not inf and nan
    return !text.empty() && text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
  }

  std::optional<Value> string(char type, std::string_view length) {
    Value value = make(type == '!' ? Value::Kind::kError : Value::Kind::kString);
    if (length == "?") {
      return streamed(std::move(value));
    }
    const auto size = parse_integer(length);
    if (!size) {
      return std::nullopt;
    }
    if (*size == -1) {
      return make(Value::Kind::kNull);
    }
    const auto content = rest_.counted(*size);
    if (!content) {
      return std::nullopt;
    }
    // A verbatim string begins with its format: "txt:".
    value.text = content->substr(type == '=' ? std::min<std::size_t>(4, content->size()) : 0);
    return value;
  }

  std::optional<Value> streamed(Value value) {
    while (const auto line = rest_.line()) {
      const auto size = line->starts_with(';') ? parse_integer(line->substr(1)) : std::nullopt;
      if (!size) {
        break;
      }
      if (*size == 0) {
        return value;
      }
      const auto chunk = rest_.counted(*size);
      if (!chunk) {
        break;
      }
      value.text += *chunk;
    }
    return std::nullopt;
  }

  std::optional<Value> aggregate(char type, std::string_view count, int depth) {
    const bool map = type == '%' || type == '|';
    Value value = make(map ? Value::Kind::kObject : Value::Kind::kArray);
    const bool endless = count == "?";
    const auto elements = endless ? std::optional<std::int64_t>(0) : parse_integer(count);
    if (!elements || *elements > INT32_MAX) {
      return std::nullopt;
    }
    if (*elements < 0) {
      return make(Value::Kind::kNull);
    }
    for (std::int64_t i = 0; endless || i < *elements; ++i) {
      if (endless && !rest_.empty() && rest_.front() == '.') {
        static_cast<void>(rest_.line());
        break;
      }
      std::optional<Value> key = map ? parse(depth + 1) : Value{};
      std::optional<Value> element = key ? parse(depth + 1) : std::nullopt;
      if (!element) {
        return std::nullopt;
      }
      if (map) {
        element->name = key->kind == Value::Kind::kString ? key->text : to_json(*key);
      }
      value.children.push_back(std::move(*element));
    }
    return value;
  }

  Rest& rest_;
  bool resp3_ = false;
};

struct Reply {
  Value value;
  char type = 0;  // of the first reply
  bool resp3 = false;
};

std::optional<Reply> parse_all(std::span<const std::uint8_t> bytes) {
  Rest rest(bytes);
  if (rest.empty()) {
    return std::nullopt;
  }
  Reply reply;
  reply.type = rest.front();
  ReplyParser parser(rest);
  std::vector<Value> values;
  while (!rest.empty()) {
    auto value = parser.parse();
    if (!value) {
      return std::nullopt;
    }
    values.push_back(std::move(*value));
  }
  reply.resp3 = parser.resp3();
  if (values.size() == 1) {
    reply.value = std::move(values[0]);
  } else {
    reply.value.kind = Value::Kind::kArray;
    reply.value.children = std::move(values);
  }
  return reply;
}

void describe(const Value& value, std::size_t indent, std::string& out) {
  switch (value.kind) {
    case Value::Kind::kNull:
      out += "(nil)\n";
      return;
    case Value::Kind::kBoolean:
      out += "(" + value.text + ")\n";
      return;
    case Value::Kind::kNumber:
      out += "(number) " + value.text + "\n";
      return;
    case Value::Kind::kString:
      out += quote_json(value.text) + "\n";
      return;
    case Value::Kind::kError:
      out += "(error) " + value.text + "\n";
      return;
    case Value::Kind::kArray:
    case Value::Kind::kObject:
      break;
  }
  if (value.children.empty()) {
    out += "(empty)\n";
  }
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    const Value& child = value.children[i];
    const std::string label = value.kind == Value::Kind::kObject ? quote_json(child.name) + " => "
                                                                 : std::to_string(i + 1) + ") ";
    out += (i == 0 ? "" : std::string(indent, ' ')) + label;
    describe(child, indent + label.size(), out);
  }
}

}  // namespace

std::optional<Message> parse_command(std::span<const std::uint8_t> bytes) {
  Rest rest(bytes);
  Message message;
  // Empty arrays before a command are part of its range.
  while (message.arguments.empty()) {
    rest.skip_empty_lines();
    const auto line = rest.line();
    if (!line || line->empty()) {
      return std::nullopt;
    }
    if (line->front() != '*') {
      message.arguments = split_inline(*line);
      message.version = "inline";
      continue;
    }
    const auto count = parse_integer(line->substr(1));
    if (!count) {
      return std::nullopt;
    }
    message.version = "RESP2";
    for (std::int64_t i = 0; i < *count; ++i) {
      const auto length = rest.line();
      const auto size =
          length && length->starts_with('$') ? parse_integer(length->substr(1)) : std::nullopt;
      const auto content = size ? rest.counted(*size) : std::nullopt;
      if (!content) {
        return std::nullopt;
      }
      message.arguments.emplace_back(*content);
    }
  }
  if (!rest.empty()) {
    return std::nullopt;
  }
  const Command command = find_command(message.arguments[0]);
  message.protocol = event::Protocol::kResp;
  message.method = upper_case(message.arguments[0]);
  message.target = first_key(command, message.arguments);
  message.body.assign(bytes.begin(), bytes.end());
  message.decoded_body = message.body;
  return message;
}

std::optional<Message> parse_replies(std::span<const std::uint8_t> bytes) {
  const auto reply = parse_all(bytes);
  if (!reply) {
    return std::nullopt;
  }
  Message message;
  message.protocol = event::Protocol::kResp;
  message.version = reply->resp3 ? "RESP3" : "RESP2";
  const Value& value = reply->value;
  if (value.kind == Value::Kind::kError) {
    message.status = value.text.substr(0, value.text.find(' '));
    message.reason = value.text;
  } else if (reply->type == '+') {
    message.status = value.text;
  } else {
    message.status = value.kind == Value::Kind::kNull ? "nil" : "OK";
  }
  message.body.assign(bytes.begin(), bytes.end());
  const std::string text = describe_reply(value);
  message.decoded_body.assign(text.begin(), text.end());
  return message;
}

std::optional<Value> parse_reply_value(std::span<const std::uint8_t> bytes) {
  auto reply = parse_all(bytes);
  return reply ? std::optional(std::move(reply->value)) : std::nullopt;
}

std::string describe_reply(const Value& value) {
  std::string out;
  describe(value, 0, out);
  return out;
}

}  // namespace reprise::protocol::resp
