#include "protocol/value/value.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

namespace reprise::protocol {
namespace {

// digits * 10^exponent, without zeros at either end of the digits; zero has no digits.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  decimal.negative = text.starts_with('-');
  text.remove_prefix(decimal.negative || text.starts_with('+') ? 1 : 0);
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, e);
  if (e < text.size()) {
    std::string_view exponent = text.substr(e + 1);
    exponent.remove_prefix(exponent.starts_with('+') ? 1 : 0);
    const auto [end, error] =
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), decimal.exponent);
    // The bound keeps the additions below from overflowing.
    if (error != std::errc() || end != exponent.data() + exponent.size() ||
        decimal.exponent > INT32_MAX || decimal.exponent < INT32_MIN) {
      return std::nullopt;
    }
  }
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  decimal.digits = mantissa.substr(0, point);
  if (point < mantissa.size()) {
    decimal.digits += mantissa.substr(point + 1);
    decimal.exponent -= static_cast<std::int64_t>(mantissa.size() - point - 1);
  }
  if (decimal.digits.empty() ||
      decimal.digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const std::size_t last = decimal.digits.find_last_not_of('0');
  if (last == std::string::npos) {
    return Decimal{};
  }
  decimal.exponent += static_cast<std::int64_t>(decimal.digits.size() - last - 1);
  decimal.digits.resize(last + 1);
  decimal.digits.erase(0, decimal.digits.find_first_not_of('0'));
  return decimal;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 12) + (hash >> 4);
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 33);
}

std::uint64_t hash_text(std::string_view text) { return std::hash<std::string_view>{}(text); }

std::uint64_t hash_number(std::string_view text) {
  const auto decimal = parse_decimal(text);
  if (!decimal) {
    return hash_text(text);
  }
  const std::uint64_t hash = mix(decimal->negative, static_cast<std::uint64_t>(decimal->exponent));
  return mix(hash, hash_text(decimal->digits));
}

bool same_members(const Value& a, const Value& b) {
  // In the same order, as nearly always, a pass over both is enough.
  std::size_t same = 0;
  while (same < a.children.size() && a.children[same].name == b.children[same].name &&
         same_value(a.children[same], b.children[same])) {
    ++same;
  }
  using Key = std::pair<std::string_view, std::uint64_t>;
  const auto keys = [same](const Value& object) {
    std::vector<std::pair<Key, const Value*>> sorted;
    for (std::size_t i = same; i < object.children.size(); ++i) {
      const Value& child = object.children[i];
      sorted.push_back({{child.name, hash_value(child)}, &child});
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& x, const auto& y) { return x.first < y.first; });
    return sorted;
  };
  const auto sorted_a = keys(a), sorted_b = keys(b);
  return std::equal(sorted_a.begin(), sorted_a.end(), sorted_b.begin(), sorted_b.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && same_value(*x.second, *y.second);
                    });
}

void append_json(const Value& value, std::string& out) {
  const auto append_children = [&](char open, char close) {
    out += open;
    for (std::size_t i = 0; i < value.children.size(); ++i) {
      out += i == 0 ? "" : ",";
      if (value.kind == Value::Kind::kObject) {
        out += quote_json(value.children[i].name) + ":";
      }
      append_json(value.children[i], out);
    }
    out += close;
  };
  switch (value.kind) {
    case Value::Kind::kNull:
      out += "null";
      break;
    case Value::Kind::kBoolean:
    case Value::Kind::kNumber:
      out += value.text;
      break;
    case Value::Kind::kString:
    case Value::Kind::kError:
      out += quote_json(value.text);
      break;
    case Value::Kind::kArray:
      append_children('[', ']');
      break;
    case Value::Kind::kObject:
      append_children('{', '}');
      break;
  }
}

}  // namespace

const Value* Value::member(std::string_view member_name) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const Value& child) { return child.name == member_name; });
  return kind == Kind::kObject && found != children.end() ? &*found : nullptr;
}

std::string quote_json(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        quoted += '\\';
        quoted += c;
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          quoted += "\\u00";
          quoted += kHex[static_cast<unsigned char>(c) >> 4];
          quoted += kHex[static_cast<unsigned char>(c) & 15];
        } else {
          quoted += c;
        }
    }
  }
  return quoted += '"';
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(value, out);
  return out;
}

bool same_number(std::string_view a, std::string_view b) {
  if (a == b) {
    return true;
  }
  const auto decimal_a = parse_decimal(a), decimal_b = parse_decimal(b);
  return decimal_a && decimal_b && *decimal_a == *decimal_b;
}

bool same_value(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.children.size() != b.children.size()) {
    return false;
  }
  switch (a.kind) {
    case Value::Kind::kNumber:
      return same_number(a.text, b.text);
    case Value::Kind::kObject:
      return same_members(a, b);
    case Value::Kind::kArray:
      return std::equal(a.children.begin(), a.children.end(), b.children.begin(), same_value);
    default:
      return a.text == b.text;
  }
}

std::uint64_t hash_value(const Value& value) {
  std::uint64_t hash = static_cast<std::uint64_t>(value.kind) + 1;
  switch (value.kind) {
    case Value::Kind::kNumber:
      return mix(hash, hash_number(value.text));
    case Value::Kind::kObject: {
      std::uint64_t sum = 0;  // does not depend on the order
      for (const Value& child : value.children) {
        sum += mix(hash_text(child.name), hash_value(child));
      }
      return mix(hash, sum);
    }
    case Value::Kind::kArray:
      for (const Value& child : value.children) {
        hash = mix(hash, hash_value(child));
      }
      return hash;
    default:
      return mix(hash, hash_text(value.text));
  }
}

}  // namespace reprise::protocol
