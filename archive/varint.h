// Unsigned integers in as few bytes as they need: LEB128, seven bits a byte, the lowest first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise::archive {

inline constexpr std::size_t kMaxVarintBytes = 10;

// Of values that need more than one byte.
[[nodiscard]] std::uint8_t* store_long_varint(std::uint8_t* at, std::uint64_t value);

// Writes `value` and returns where it ends; kMaxVarintBytes at `at` may be written to.
[[nodiscard]] inline std::uint8_t* store_varint(std::uint8_t* at, std::uint64_t value) {
  if (value >= 0x80) return store_long_varint(at, value);
  *at = static_cast<std::uint8_t>(value);
  return at + 1;
}

}  // namespace reprise::archive
