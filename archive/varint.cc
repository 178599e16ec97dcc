#include "archive/varint.h"

#include <bit>

#include "archive/little_endian.h"

namespace reprise::archive {
namespace {

constexpr int kMostAtOnceBits = 56;
constexpr std::uint64_t kContinuations = 0x8080'8080'8080'8080;

// Moves halves apart, and halves of those, until each byte holds seven bits.
std::uint64_t spread_sevens(std::uint64_t value) {
  value = (value & 0x0000'0000'0fff'ffff) | (value & 0x00ff'ffff'f000'0000) << 4;
  value = (value & 0x0000'3fff'0000'3fff) | (value & 0x0fff'c000'0fff'c000) << 2;
  return (value & 0x007f'007f'007f'007f) | (value & 0x3f80'3f80'3f80'3f80) << 1;
}

}  // namespace

std::uint8_t* store_long_varint(std::uint8_t* at, std::uint64_t value) {
  // Without a loop over bytes, whose end a processor mispredicts once for each stamp.
  if (value >> kMostAtOnceBits == 0) {
    const std::uint64_t spread = spread_sevens(value);
    const int last = (63 - std::countl_zero(spread)) / 8;
    store_le(at, spread | (kContinuations & ((std::uint64_t{1} << (8 * last)) - 1)));
    return at + last + 1;
  }
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<std::uint8_t>(value | 0x80);
  *at++ = static_cast<std::uint8_t>(value);
  return at;
}

}  // namespace reprise::archive
