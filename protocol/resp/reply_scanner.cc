#include "protocol/resp/reply_scanner.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace reprise::protocol::resp {
namespace {

constexpr std::string_view kTypes = "+-:$*_#,(!=%~>|.;";

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  text.remove_prefix(text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

void ReplyScanner::reset() {
  levels_.clear();
  state_ = State::kHead;
  streaming_ = keeping_ = done_ = false;
  type_ = 0;
  aggregate_ = first_seen_ = null_ = false;
  text_.clear();
  first_element_.clear();
  last_integer_ = 0;
}

bool ReplyScanner::fail(const char* why) {
  why_ = why;
  return false;
}

ReplyScanner::Progress ReplyScanner::scan(ByteSpan& bytes) {
  while (!bytes.empty() && !done_) {
    if (state_ == State::kContent) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
      keep({reinterpret_cast<const char*>(bytes.data()), size});
      bytes = bytes.subspan(skip(size));
      continue;
    }
    if (!(state_ == State::kHead ? scan_head(bytes) : scan_content_end(bytes))) {
      return Progress::kUnreadable;
    }
  }
  return done_ ? Progress::kDone : Progress::kMore;
}

bool ReplyScanner::scan_head(ByteSpan& bytes) {
  if (lines_.pending() == 0 &&
      kTypes.find(static_cast<char>(bytes.front())) == std::string_view::npos) {
    return fail("not a Redis reply");
  }
  const auto line = lines_.take(bytes);
  return !line || take_head(line->text);
}

bool ReplyScanner::scan_content_end(ByteSpan& bytes) {
  switch (lines_.take_end(bytes)) {
    case LineBuffer::Ending::kMissing:
      return fail("a string is longer than its length says");
    case LineBuffer::Ending::kTaken:
      state_ = State::kHead;
      if (!streaming_) {
        complete_value();
      }
      break;
    case LineBuffer::Ending::kMore:
      break;
  }
  return true;
}

std::uint64_t ReplyScanner::skip(std::uint64_t count) {
  if (state_ != State::kContent) {
    return 0;
  }
  const std::uint64_t passed = std::min(count, remaining_);
  remaining_ -= passed;
  if (remaining_ == 0) {
    state_ = State::kContentEnd;
  }
  return passed;
}

bool ReplyScanner::take_head(std::string_view line) {
  const char type = line.empty() ? '\0' : line.front();
  const std::string_view rest = line.empty() ? line : line.substr(1);
  if (streaming_) {
    return type == ';' ? take_chunk(rest) : fail("a streamed string without its end");
  }
  if (type == '.') {
    if (levels_.empty() || levels_.back().remaining != kStreamed || !rest.empty()) {
      return fail("an end without a streamed aggregate");
    }
    const bool attribute = levels_.back().attribute;
    levels_.pop_back();
    first_seen_ |= levels_.empty();
    if (!attribute) {
      complete_value();
    }
    return true;
  }
  if (levels_.empty() && type != '|') {
    type_ = type;
  }
  switch (type) {
    case '+':
    case '-':
    case ':':
    case '_':
    case '#':
    case ',':
    case '(':
      take_scalar(type, rest);
      return true;
    case '$':
    case '!':
    case '=':
      return take_string(type, rest);
    case '*':
    case '~':
    case '>':
    case '%':
    case '|':
      return take_aggregate(type, rest);
    default:
      return fail("not a Redis reply");
  }
}

void ReplyScanner::take_scalar(char type, std::string_view text) {
  if (levels_.empty()) {
    text_ = text.substr(0, kMaxKept);
    null_ = type == '_';
  } else if (levels_.size() == 1) {
    if (at_first_element()) {
      first_element_ = text.substr(0, kMaxKept);
    }
    if (type == ':') {
      last_integer_ = parse_integer(text).value_or(0);
    }
  }
  complete_value();
}

bool ReplyScanner::take_string(char type, std::string_view length) {
  keeping_ = (levels_.empty() && type == '!') || at_first_element();
  if (length == "?") {
    streaming_ = true;
    return true;
  }
  const auto size = parse_integer(length);
  if (!size || *size < -1) {
    return fail("a string's length is not a number");
  }
  if (*size == -1) {
    null_ = levels_.empty();
    complete_value();
    return true;
  }
  remaining_ = static_cast<std::uint64_t>(*size);
  state_ = remaining_ == 0 ? State::kContentEnd : State::kContent;
  return true;
}

bool ReplyScanner::take_chunk(std::string_view length) {
  const auto size = parse_integer(length);
  if (!size || *size < 0) {
    return fail("a chunk's length is not a number");
  }
  if (*size == 0) {
    streaming_ = false;
    complete_value();
    return true;
  }
  remaining_ = static_cast<std::uint64_t>(*size);
  state_ = State::kContent;
  return true;
}

bool ReplyScanner::take_aggregate(char type, std::string_view count) {
  const bool attribute = type == '|';
  if (levels_.empty() && !attribute) {
    aggregate_ = true;
  }
  if (levels_.size() >= kMaxDepth) {
    return fail("nested too deeply");
  }
  if (count == "?") {
    levels_.push_back({kStreamed, attribute});
    return true;
  }
  const auto elements = parse_integer(count);
  if (!elements || *elements < -1 || *elements > INT32_MAX) {
    return fail("a number of elements is not a number");
  }
  if (*elements <= 0) {
    null_ = levels_.empty() && !attribute && *elements < 0;
    first_seen_ |= levels_.empty() && !attribute;
    if (!attribute) {
      complete_value();
    }
    return true;
  }
  levels_.push_back({type == '%' || attribute ? *elements * 2 : *elements, attribute});
  return true;
}

// A value is whole: so is every aggregate that it is the last element of.
void ReplyScanner::complete_value() {
  keeping_ = false;
  while (!levels_.empty()) {
    first_seen_ |= levels_.size() == 1 && !levels_[0].attribute;
    Level& level = levels_.back();
    if (level.remaining == kStreamed || --level.remaining > 0) {
      return;
    }
    const bool attribute = level.attribute;
    levels_.pop_back();
    if (attribute) {
      return;  // the value it belongs to comes now
    }
  }
  done_ = true;
}

void ReplyScanner::keep(std::string_view content) {
  if (!keeping_) {
    return;
  }
  std::string& kept = levels_.empty() ? text_ : first_element_;
  kept.append(content.substr(0, kMaxKept - std::min(kMaxKept, kept.size())));
}

std::string ReplyScanner::status() const {
  if (null_) {
    return "nil";
  }
  switch (type_) {
    case '+':
      return text_;
    case '-':
    case '!':
      return text_.substr(0, text_.find(' '));
    default:
      return "OK";
  }
}

}  // namespace reprise::protocol::resp
