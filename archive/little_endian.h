// Integers of fixed width as they lie in an archive.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace reprise::archive {

template <typename Unsigned>
void store_le(std::uint8_t* at, Unsigned value) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(at, &value, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
      at[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }
}

template <typename Unsigned>
Unsigned load_le(const std::uint8_t* at) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    value = static_cast<Unsigned>(value | static_cast<Unsigned>(Unsigned{at[i]} << (8 * i)));
  }
  return value;
}

}  // namespace reprise::archive
