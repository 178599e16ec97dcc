#include "agent/gather.h"

#include <gtest/gtest.h>
#include <sys/uio.h>

#include <cstddef>
#include <string>
#include <vector>

namespace reprise::agent {
namespace {

constexpr std::size_t kMost = 1200;  // beyond where copying changes its ways
constexpr char kUntouched = '#';

std::string sample(std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

// What a copy of `length` bytes of `from` to offset `at` leaves in memory full of kUntouched.
std::string copied(const std::string& from, std::size_t length, std::size_t at) {
  std::string to(at + length + 64, kUntouched);
  EXPECT_TRUE(reprise_copy_bytes(to.data() + at, from.data(), length));
  return to;
}

TEST(CopyBytes, WritesEachLengthWholeAndNothingBeside) {
  const std::string bytes = sample(kMost);
  for (std::size_t length = 0; length <= kMost; ++length) {
    for (const std::size_t at : {0, 1, 7, 8, 63}) {
      const std::string expected =
          std::string(at, kUntouched) + bytes.substr(0, length) + std::string(64, kUntouched);
      ASSERT_EQ(copied(bytes, length, at), expected) << length << " bytes to offset " << at;
    }
  }
}

TEST(EqualBytes, OneOtherByteAnywhereIsADifference) {
  const std::string one = sample(300);
  for (std::size_t length = 0; length <= one.size(); ++length) {
    std::string other = one;
    ASSERT_TRUE(reprise_equal_bytes(one.data(), other.data(), length)) << length;
    for (std::size_t at = 0; at < one.size(); ++at) {
      other[at] = kUntouched;
      ASSERT_EQ(reprise_equal_bytes(one.data(), other.data(), length), at >= length)
          << length << " bytes, another at " << at;
      other[at] = one[at];
    }
  }
}

TEST(Gather, ComparesWhatComesNextAndStaysWhereItIs) {
  const std::string bytes = sample(600);
  std::string first = bytes.substr(0, 103);
  std::string second = bytes.substr(103);
  const iovec vectors[] = {{first.data(), first.size()}, {nullptr, 0}, {second.data(), 497}};
  Gather gather(vectors, 3);
  std::string to(600, kUntouched);
  ASSERT_TRUE(gather.copy(reinterpret_cast<std::byte*>(to.data()), 50));
  const auto* rest = reinterpret_cast<const std::byte*>(bytes.data()) + 50;
  EXPECT_TRUE(gather.equals(rest, 550));
  EXPECT_TRUE(gather.equals(rest, 550));
  EXPECT_FALSE(gather.equals(rest + 1, 500));
  second[20] = kUntouched;
  EXPECT_FALSE(gather.equals(rest, 550));
  EXPECT_TRUE(gather.equals(rest, 73));
}

TEST(Gather, GoesOnWhereTheLastPartEnded) {
  const std::string bytes = sample(600);
  std::string first = bytes.substr(0, 100);
  std::string second = bytes.substr(100);
  const iovec vectors[] = {{first.data(), first.size()}, {nullptr, 0}, {second.data(), 500}};
  Gather scattered(vectors, 3);
  Gather single(bytes.data(), bytes.size());
  for (Gather* gather : {&scattered, &single}) {
    std::string to(600, kUntouched);
    auto* at = reinterpret_cast<std::byte*>(to.data());
    ASSERT_TRUE(gather->copy(at, 90));
    ASSERT_TRUE(gather->copy(at + 90, 0));
    ASSERT_TRUE(gather->copy(at + 90, 20));
    gather->skip(90);
    ASSERT_TRUE(gather->copy(at + 200, 400));
    EXPECT_EQ(to, bytes.substr(0, 110) + std::string(90, kUntouched) + bytes.substr(200));
  }
}

}  // namespace
}  // namespace reprise::agent
