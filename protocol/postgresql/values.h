// Values of parameters and columns as text for people: NULL, '' and 'NULL' read differently, and
// different values of one type and format read differently. Pure functions.
//
// Source: the types' send functions (PostgreSQL, src/backend/utils/adt), and the object ids of
// pg_type.dat; text is what the types' output functions print.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::protocol::postgresql {

inline constexpr std::uint16_t kTextFormat = 0, kBinaryFormat = 1;

// Numbers as they are, text in single quotes with escapes, other bytes as "\x0102 (binary)".
// `type` is the type's object id, 0 when it is not known.
[[nodiscard]] std::string value_text(std::optional<std::string_view> value, std::uint32_t type,
                                     std::uint16_t format);

// "int4", else the number.
[[nodiscard]] std::string type_name(std::uint32_t type);

}  // namespace reprise::protocol::postgresql
