#include "protocol/postgresql/values.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

#include "protocol/postgresql/fields.h"

namespace reprise::protocol::postgresql {
namespace {

enum class Shape : std::uint8_t {
  kOther,
  kBoolean,
  kInteger,
  kUnsigned,
  kFloat,
  kNumeric,
  kText,
  kUuid
};

struct Type {
  std::uint32_t id = 0;
  std::string_view name;
  Shape shape = Shape::kOther;
};

constexpr auto kTypes = std::to_array<Type>({
    {16, "bool", Shape::kBoolean},
    {17, "bytea"},
    {19, "name", Shape::kText},
    {20, "int8", Shape::kInteger},
    {21, "int2", Shape::kInteger},
    {23, "int4", Shape::kInteger},
    {25, "text", Shape::kText},
    {26, "oid", Shape::kUnsigned},
    {114, "json", Shape::kText},
    {700, "float4", Shape::kFloat},
    {701, "float8", Shape::kFloat},
    {1042, "bpchar", Shape::kText},
    {1043, "varchar", Shape::kText},
    {1082, "date"},
    {1114, "timestamp"},
    {1184, "timestamptz"},
    {1700, "numeric", Shape::kNumeric},
    {2950, "uuid", Shape::kUuid},
    {3802, "jsonb"},
});

const Type& find_type(std::uint32_t id) {
  static constexpr Type kUnknown;
  for (const Type& type : kTypes) {
    if (type.id == id) return type;
  }
  return kUnknown;
}

std::string hex(std::string_view bytes) {
  std::string text = "\\x";
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::uint64_t unsigned_of(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::int64_t signed_of(std::string_view bytes) {
  const std::size_t missing = 64 - 8 * bytes.size();
  return static_cast<std::int64_t>(unsigned_of(bytes) << missing) >> missing;
}

std::string uuid_text(std::string_view bytes) {
  const std::string digits = hex(bytes).substr(2);
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
         digits.substr(16, 4) + "-" + digits.substr(20);
}

// None when the bytes are no value of that shape.
std::optional<std::string> binary_text(std::string_view bytes, Shape shape) {
  const std::size_t size = bytes.size();
  const bool is_integer = size == 2 || size == 4 || size == 8;
  switch (shape) {
    case Shape::kBoolean:
      if (size == 1 && (bytes[0] == 0 || bytes[0] == 1)) return bytes[0] == 0 ? "f" : "t";
      break;
    case Shape::kInteger:
      if (is_integer) return std::to_string(signed_of(bytes));
      break;
    case Shape::kUnsigned:
      if (is_integer) return std::to_string(unsigned_of(bytes));
      break;
    case Shape::kFloat:
      if (size == 4) {
        return fmt::format("{}",
                           std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_of(bytes))));
      }
      if (size == 8) return fmt::format("{}", std::bit_cast<double>(unsigned_of(bytes)));
      break;
    case Shape::kText:
      return quoted(bytes);
    case Shape::kUuid:
      if (size == 16) return quoted(uuid_text(bytes));
      break;
    case Shape::kNumeric:
    case Shape::kOther:
      break;
  }
  return std::nullopt;
}

bool reads_as_it_is(std::string_view text, Shape shape) {
  const bool plain = shape == Shape::kBoolean || shape == Shape::kInteger ||
                     shape == Shape::kUnsigned || shape == Shape::kFloat ||
                     shape == Shape::kNumeric;
  return plain && !text.empty() &&
         text.find_first_not_of("0123456789+-.eEtfInityNa") == std::string_view::npos;
}

}  // namespace

std::string value_text(std::optional<std::string_view> value, std::uint32_t type,
                       std::uint16_t format) {
  if (!value) return "NULL";
  const Shape shape = find_type(type).shape;
  if (format == kTextFormat) {
    return reads_as_it_is(*value, shape) ? std::string(*value) : quoted(*value);
  }
  if (const auto text = binary_text(*value, shape)) return *text;
  return hex(*value) + " (binary)";
}

std::string type_name(std::uint32_t type) {
  const Type& known = find_type(type);
  return known.id == 0 ? std::to_string(type) : std::string(known.name);
}

}  // namespace reprise::protocol::postgresql
