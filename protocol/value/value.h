// A structured value as JSON bodies and Redis replies carry it, kept exactly: numbers stay the text
// that was sent and never pass through a double, members stay in order and may repeat a name.
//
// Values are plain data; all functions are pure. Nesting is bounded by kMaxDepth, so recursion over
// a value is safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::protocol {

struct Value {
  enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kError, kArray, kObject };
  static constexpr std::size_t kMaxDepth = 512;

  Kind kind = Kind::kNull;
  std::string name;  // of a member; "" elsewhere
  std::string text;  // "true", a number as written, a string's content, an error's message
  std::vector<Value> children;  // elements or members

  bool is_container() const { return kind == Kind::kArray || kind == Kind::kObject; }
  // First member of that name; null when there is none.
  const Value* member(std::string_view member_name) const;
};

// RFC 8259. None when the text is not JSON as a whole, is not UTF-8, is nested deeper than
// kMaxDepth, or holds a number beyond a double's range.
[[nodiscard]] std::optional<Value> parse_json(std::string_view text);

// The value as JSON on one line; an error is written as a string. Bytes that are not UTF-8 stay.
[[nodiscard]] std::string to_json(const Value& value);
// A string in quotes, with escapes where JSON asks for them.
[[nodiscard]] std::string quote_json(std::string_view text);

// Numerically equal decimals, however written: 1, 1.0 and 10e-1; but not 0.1 and
// 0.10000000000000001.
[[nodiscard]] bool same_number(std::string_view a, std::string_view b);
// Same kind and content; the order of members does not matter, that of elements does.
[[nodiscard]] bool same_value(const Value& a, const Value& b);
// Equal for same values, the names of the values themselves left out.
[[nodiscard]] std::uint64_t hash_value(const Value& value);

}  // namespace reprise::protocol
