#include "archive/stream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace reprise::archive {
namespace {

using event::Bytes;

constexpr event::ConnectionId kConnection{4};

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

class Stream {
 public:
  Stream(bool sent, event::ByteRange range) : assembler_(kConnection, sent, range) {}

  Stream& at(event::Fact fact) {
    event::Event event;
    event.fact = std::move(fact);
    assembler_.feed(event);
    return *this;
  }
  Stream& read(std::uint64_t offset, std::string_view text) {
    return at(
        event::BytesReceived{.connection = kConnection, .offset = offset, .bytes = bytes(text)});
  }
  Stream& intend(std::uint64_t offset, std::string_view text, bool continues = false) {
    return at(event::SendIntended{kConnection, offset, bytes(text), continues});
  }
  Stream& result(std::uint64_t offset, std::int64_t accepted) {
    return at(event::SendFinished{kConnection, offset, accepted, accepted < 0 ? 11 : 0});
  }
  bool complete() const { return assembler_.complete(); }
  std::string take(std::optional<Bytes> content = std::nullopt) {
    const auto taken = assembler_.take([&](std::uint64_t) { return content; });
    if (taken) return {taken->begin(), taken->end()};
    return "missing " + std::to_string(taken.error().begin) + "-" +
           std::to_string(taken.error().end);
  }

 private:
  StreamAssembler assembler_;
};

TEST(StreamAssembler, CutsTheRangeOutOfReads) {
  EXPECT_EQ(Stream(false, {2, 7}).read(0, "abcd").read(4, "efgh").take(), "cdefg");
}

TEST(StreamAssembler, KnowsWhenItHasAll) {
  Stream stream(false, {0, 4});
  EXPECT_FALSE(stream.read(0, "ab").complete());
  EXPECT_TRUE(stream.read(2, "cdef").complete());
}

TEST(StreamAssembler, HoleIsTold) {
  EXPECT_EQ(Stream(false, {0, 6}).read(0, "ab").read(4, "ef").take(), "missing 2-4");
  EXPECT_EQ(Stream(false, {0, 6}).read(0, "ab").take(), "missing 2-6");
  EXPECT_EQ(Stream(false, {0, 6}).take(), "missing 0-6");
}

TEST(StreamAssembler, OtherConnectionsAndDirectionsDoNotCount) {
  EXPECT_EQ(Stream(true, {0, 2}).read(0, "ab").take(), "missing 0-2");
  Stream stream(false, {0, 2});
  stream.at(event::BytesReceived{.connection = {5}, .bytes = bytes("ab")});
  EXPECT_EQ(stream.take(), "missing 0-2");
}

TEST(StreamAssembler, SentIsWhatWasAccepted) {
  // 2 of 4 bytes were taken, and the service thought better of the rest.
  EXPECT_EQ(Stream(true, {0, 4}).intend(0, "abcd").result(0, 2).intend(2, "XY").result(2, 2).take(),
            "abXY");
}

TEST(StreamAssembler, RefusedSendLeavesNothing) {
  EXPECT_EQ(Stream(true, {0, 2}).intend(0, "ab").result(0, -1).take(), "missing 0-2");
  EXPECT_EQ(Stream(true, {0, 2}).intend(0, "ab").result(0, -1).intend(0, "cd").result(0, 2).take(),
            "cd");
}

TEST(StreamAssembler, SendInPartsHasOneResult) {
  EXPECT_EQ(Stream(true, {0, 6})
                .intend(0, "abc", true)
                .intend(3, "def")
                .result(0, 5)
                .intend(5, "Z")
                .result(5, 1)
                .take(),
            "abcdeZ");
}

TEST(StreamAssembler, SendCutOffByTheEndOfTheProcessMayHaveBeenTaken) {
  EXPECT_EQ(Stream(true, {0, 4}).intend(0, "ab").result(0, 2).intend(2, "cd").take(), "abcd");
}

TEST(StreamAssembler, RangeInsideASendThatBeganBeforeIt) {
  EXPECT_EQ(Stream(true, {3, 5}).intend(0, "abcdefgh").result(0, 8).take(), "de");
  EXPECT_EQ(Stream(true, {3, 5}).intend(0, "abcdefgh").result(0, 4).take(), "missing 4-5");
}

TEST(StreamAssembler, FileRangeIsTakenFromItsContent) {
  Stream stream(true, {2, 6});
  stream.at(event::FileRangeSent{
      .connection = kConnection, .offset = 0, .file_offset = 100, .length = 8, .content = 1});
  stream.result(0, 7);
  EXPECT_EQ(stream.take(bytes("01234567")), "2345");
}

TEST(StreamAssembler, FileRangeWithoutContentIsAHole) {
  Stream stream(true, {0, 4});
  stream.at(event::FileRangeSent{.connection = kConnection, .offset = 0, .length = 4});
  stream.result(0, 4);
  EXPECT_EQ(stream.take(), "missing 0-4");
  Stream shorter(true, {0, 4});
  shorter.at(
      event::FileRangeSent{.connection = kConnection, .offset = 0, .length = 4, .content = 1});
  shorter.result(0, 4);
  EXPECT_EQ(shorter.take(bytes("ab")), "missing 0-4");
}

TEST(StreamAssembler, ClaimsBeyondTheEndOfNumbersDoNotWrap) {
  Stream stream(true, {0, 4});
  stream.at(event::FileRangeSent{
      .connection = kConnection, .offset = ~std::uint64_t{0} - 1, .length = 100, .content = 1});
  stream.at(event::SendFinished{kConnection, ~std::uint64_t{0} - 1, INT64_MAX, 0});
  stream.intend(0, "abcd").result(0, INT64_MAX);
  EXPECT_EQ(stream.take(), "abcd");
}

}  // namespace
}  // namespace reprise::archive
