#include "archive/varint.h"

#include <gtest/gtest.h>

#include <vector>

namespace reprise::archive {
namespace {

// LEB128 as its definition has it, byte by byte.
std::vector<std::uint8_t> defined(std::uint64_t value) {
  std::vector<std::uint8_t> bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::uint8_t>(value | 0x80));
  bytes.push_back(static_cast<std::uint8_t>(value));
  return bytes;
}

std::vector<std::uint8_t> stored(std::uint64_t value) {
  std::uint8_t bytes[kMaxVarintBytes];
  return {bytes, store_varint(bytes, value)};
}

TEST(VarintTest, AroundEveryLengthAsDefined) {
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {power - 1, power, power + 1, power | 0x2a55'aa55'aa55'aa55}) {
      EXPECT_EQ(stored(value), defined(value)) << value;
    }
  }
  EXPECT_EQ(stored(~std::uint64_t{0}), defined(~std::uint64_t{0}));
}

}  // namespace
}  // namespace reprise::archive
