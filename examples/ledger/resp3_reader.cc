#include "examples/ledger/resp3_reader.h"

#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

namespace ledger {
namespace {

constexpr int kDeepest = 16;
// Redis' own limits are higher; nothing the ledger asks for comes near these.
constexpr int64_t kLongestText = 64 * 1024 * 1024;
constexpr int64_t kMostElements = 1024 * 1024;
// What a verbatim string begins with: "txt:" or "mkd:".
constexpr size_t kVerbatimPrefix = 4;

enum class Outcome { kWhole, kIncomplete, kMalformed };

// Walks over the bytes of one reply. Starts anew when there are more bytes, since it keeps no
// state.
class ReplyParser {
 public:
  explicit ReplyParser(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::string_view rest() const { return rest_; }

  Outcome Value(Reply& reply, int depth) {
    std::string_view line;
    if (!TakeLine(line)) return Outcome::kIncomplete;
    if (line.empty() || depth > kDeepest) return Outcome::kMalformed;
    const char type = line.front();
    line.remove_prefix(1);
    switch (type) {
      case '+':
      case ',':
      case '(':
        reply = {.kind = Reply::Kind::kText, .text = std::string(line)};
        return Outcome::kWhole;
      case '-':
        reply = {.kind = Reply::Kind::kError, .text = std::string(line)};
        return Outcome::kWhole;
      case '_':
        reply = {};
        return Outcome::kWhole;
      case ':':
        reply = {.kind = Reply::Kind::kInteger};
        return ToNumber(line, reply.integer) ? Outcome::kWhole : Outcome::kMalformed;
      case '#':
        reply = {.kind = Reply::Kind::kInteger, .integer = line == "t" ? 1 : 0};
        return line == "t" || line == "f" ? Outcome::kWhole : Outcome::kMalformed;
      case '$':
      case '!':
      case '=':
        return Text(reply, type, line);
      default:
        return Aggregate(reply, type, line, depth);
    }
  }

 private:
  static bool ToNumber(std::string_view digits, int64_t& number) {
    const char* const end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, number);
    return parsed.ec == std::errc{} && parsed.ptr == end;
  }

  bool TakeLine(std::string_view& line) {
    const size_t end = rest_.find("\r\n");
    if (end == std::string_view::npos) return false;
    line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return true;
  }

  Outcome Text(Reply& reply, char type, std::string_view digits) {
    int64_t length = 0;
    if (!ToNumber(digits, length) || length < 0 || length > kLongestText) {
      return Outcome::kMalformed;
    }
    const auto size = static_cast<size_t>(length);
    if (rest_.size() < size + 2) return Outcome::kIncomplete;
    std::string_view text = rest_.substr(0, size);
    if (rest_.substr(size, 2) != "\r\n") return Outcome::kMalformed;
    rest_.remove_prefix(size + 2);
    if (type == '=') {
      if (size < kVerbatimPrefix) return Outcome::kMalformed;
      text.remove_prefix(kVerbatimPrefix);
    }
    reply = {.kind = type == '!' ? Reply::Kind::kError : Reply::Kind::kText,
             .text = std::string(text)};
    return Outcome::kWhole;
  }

  Outcome Aggregate(Reply& reply, char type, std::string_view digits, int depth) {
    constexpr std::string_view kTypes = "*~%|>";
    int64_t count = 0;
    if (kTypes.find(type) == std::string_view::npos || !ToNumber(digits, count) || count < 0 ||
        count > kMostElements) {
      return Outcome::kMalformed;
    }
    if (type == '%' || type == '|') count *= 2;
    reply = {.kind = Reply::Kind::kArray};
    for (int64_t i = 0; i < count; ++i) {
      reply.elements.emplace_back();
      const Outcome outcome = Value(reply.elements.back(), depth + 1);
      if (outcome != Outcome::kWhole) return outcome;
    }
    // Attributes and pushed messages stand before the value that was asked for.
    return type == '|' || type == '>' ? Value(reply, depth + 1) : Outcome::kWhole;
  }

  std::string_view rest_;
};

}  // namespace

tl::expected<std::optional<Reply>, std::string> Resp3Reader::Next() {
  ReplyParser parser(buffer_);
  Reply reply;
  switch (parser.Value(reply, 0)) {
    case Outcome::kIncomplete:
      return std::nullopt;
    case Outcome::kMalformed:
      return tl::unexpected<std::string>("the bytes are no RESP3");
    case Outcome::kWhole:
      break;
  }
  buffer_.erase(0, buffer_.size() - parser.rest().size());
  return reply;
}

}  // namespace ledger
