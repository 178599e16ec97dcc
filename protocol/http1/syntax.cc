#include "protocol/http1/syntax.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace reprise::protocol::http1 {
namespace {

// No framing field says anything useful in more.
constexpr std::size_t kMaxFramingValue = 1024;

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenCharacters = make_token_table();

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The value of the field on that line if it is the one named so, in lower case.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
  if (line.size() < name.size()) {
    return std::nullopt;
  }
  // From the end: many names begin with "content-".
  for (std::size_t i = name.size(); i-- > 0;) {
    if (lower(line[i]) != name[i]) {
      return std::nullopt;
    }
  }
  const std::string_view rest = trim(line.substr(name.size()));
  if (!rest.empty() && rest.front() != ':') {
    return std::nullopt;
  }
  return rest.empty() ? rest : trim(rest.substr(1));
}

// "HTTP/1.0", "HTTP/1.1".
bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/1.") && is_digit(text[7]);
}

// The elements of a comma-separated list, one at a time; empty ones are left out.
class List {
 public:
  explicit List(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const std::size_t comma = std::min(rest_.find(','), rest_.size());
      const std::string_view element = trim(rest_.substr(0, comma));
      rest_.remove_prefix(std::min(comma + 1, rest_.size()));
      if (!element.empty()) {
        return element;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

std::optional<std::uint64_t> parse_length(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // Beyond this, offsets would wrap.
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || end != digits.data() + digits.size() || value > kMax) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenCharacters[static_cast<unsigned char>(c)];
  });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<RequestLine> parse_request_line(std::string_view line) {
  line = trim(line);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) {
    return std::nullopt;
  }
  const RequestLine parsed{line.substr(0, first), trim(line.substr(first + 1, last - first - 1)),
                           line.substr(last + 1)};
  if (!is_token(parsed.method) || parsed.target.empty() || !is_version(parsed.version)) {
    return std::nullopt;
  }
  return parsed;
}

std::optional<StatusLine> parse_status_line(std::string_view line) {
  if (line.size() < 12 || !is_version(line.substr(0, 8)) || line[8] != ' ') {
    return std::nullopt;
  }
  const std::string_view status = line.substr(9, 3);
  if (!std::all_of(status.begin(), status.end(), is_digit) || status[0] == '0') {
    return std::nullopt;
  }
  if (line.size() > 12 && !is_blank(line[12])) {
    return std::nullopt;
  }
  return StatusLine{line.substr(0, 8), status,
                    line.size() > 13 ? line.substr(13) : std::string_view()};
}

Field split_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return {trim(line), {}};
  }
  return {trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

bool is_folded(std::string_view line) { return !line.empty() && is_blank(line.front()); }

std::optional<std::uint64_t> parse_chunk_size(std::string_view line) {
  line = trim(line);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc() || size > static_cast<std::uint64_t>(INT64_MAX)) {
    return std::nullopt;
  }
  const std::string_view rest = trim(line.substr(static_cast<std::size_t>(end - line.data())));
  if (!rest.empty() && rest.front() != ';') {
    return std::nullopt;
  }
  return size;
}

std::string operation_name(std::string_view method, std::string_view target) {
  if (const std::size_t scheme =
          target.starts_with('/') ? std::string_view::npos : target.find("://");
      scheme != std::string_view::npos && scheme < target.find_first_of("/?")) {
    const std::size_t path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  std::string name;
  name.reserve(method.size() + 1 + path.size());
  name.append(method).append(1, ' ').append(path.empty() ? std::string_view("/") : path);
  return name;
}

void FramingFields::append(std::string& list, std::string_view value) {
  latest_ = &list;
  if (list.size() + value.size() > kMaxFramingValue) {
    excessive_ = true;
    return;
  }
  if (!list.empty()) {
    list.push_back(',');
  }
  list.append(value);
}

void FramingFields::clear() {
  content_lengths_.clear();
  transfer_codings_.clear();
  latest_ = nullptr;
  has_length_ = has_coding_ = excessive_ = false;
}

void FramingFields::take_likely(std::string_view line) {
  if (is_folded(line)) {
    fold(line);
    return;
  }
  latest_ = nullptr;
  if (const auto length = value_of(line, "content-length")) {
    has_length_ = true;
    append(content_lengths_, *length);
  } else if (const auto coding = value_of(line, "transfer-encoding");
             coding && !coding->empty() && !equal_ignoring_case(*coding, "identity")) {
    has_coding_ = true;
    append(transfer_codings_, *coding);
  }
}

void FramingFields::fold(std::string_view continuation) {
  if (latest_ != nullptr) {
    latest_->push_back(' ');
    latest_->append(trim(continuation).substr(0, kMaxFramingValue));
    excessive_ |= latest_->size() > kMaxFramingValue;
  }
}

bool FramingFields::ends_in_chunked() const {
  std::string_view last;
  List codings(transfer_codings_);
  while (const auto coding = codings.next()) {
    last = *coding;
  }
  return equal_ignoring_case(trim(last.substr(0, last.find(';'))), "chunked");
}

// RFC 9112 section 6.3: equal duplicates are one, anything else is an error.
Framing FramingFields::by_length(Framing::Kind without) const {
  if (!has_length_) {
    return {without, 0, ""};
  }
  std::optional<std::uint64_t> length;
  List values(content_lengths_);
  while (const auto value = values.next()) {
    const auto parsed = parse_length(*value);
    if (!parsed) {
      return {Framing::Kind::kUnreadable, 0, "Content-Length is not a number"};
    }
    if (length && *length != *parsed) {
      return {Framing::Kind::kUnreadable, 0, "Content-Length fields contradict each other"};
    }
    length = parsed;
  }
  if (!length) {
    return {Framing::Kind::kUnreadable, 0, "Content-Length is empty"};
  }
  return {*length == 0 ? Framing::Kind::kNone : Framing::Kind::kLength, *length, ""};
}

Framing FramingFields::of_request() const {
  if (excessive_) {
    return {Framing::Kind::kUnreadable, 0, "excessive framing fields"};
  }
  if (has_coding_) {
    if (ends_in_chunked()) {
      return {Framing::Kind::kChunked, 0, ""};
    }
    return {Framing::Kind::kUnreadable, 0,
            "Transfer-Encoding of a request does not end in chunked"};
  }
  return by_length(Framing::Kind::kNone);
}

Framing FramingFields::of_response(std::string_view status, std::string_view request_method) const {
  if (status == "101" || (request_method == "CONNECT" && status.starts_with('2'))) {
    return {Framing::Kind::kTunnel, 0, ""};
  }
  if (status.starts_with('1') || status == "204" || status == "304" || request_method == "HEAD") {
    return {Framing::Kind::kNone, 0, ""};
  }
  if (excessive_) {
    return {Framing::Kind::kUnreadable, 0, "excessive framing fields"};
  }
  if (has_coding_) {
    return {ends_in_chunked() ? Framing::Kind::kChunked : Framing::Kind::kUntilClose, 0, ""};
  }
  return by_length(Framing::Kind::kUntilClose);
}

}  // namespace reprise::protocol::http1
