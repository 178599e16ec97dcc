#include "examples/ledger/resp3_reader.h"

#include <gtest/gtest.h>

namespace ledger {
namespace {

// The only reply in `bytes`, which arrive one at a time.
Reply ReadSlowly(std::string_view bytes) {
  Resp3Reader reader;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    reader.Feed(bytes.substr(i, 1));
    const auto early = reader.Next();
    EXPECT_TRUE(early && !early->has_value()) << "after byte " << i << " of " << bytes;
  }
  reader.Feed(bytes.substr(bytes.size() - 1));
  const auto reply = reader.Next();
  EXPECT_TRUE(reply && reply->has_value()) << bytes;
  return reply && *reply ? **reply : Reply{};
}

TEST(Resp3ReaderTest, ReadsScalars) {
  EXPECT_EQ(ReadSlowly("+OK\r\n").text, "OK");
  EXPECT_EQ(ReadSlowly("$5\r\na\r\nbc\r\n").text, "a\r\nbc");
  EXPECT_EQ(ReadSlowly("$0\r\n\r\n").kind, Reply::Kind::kText);
  EXPECT_EQ(ReadSlowly("=8\r\ntxt:blue\r\n").text, "blue");
  EXPECT_EQ(ReadSlowly(":-12\r\n").integer, -12);
  EXPECT_EQ(ReadSlowly("#t\r\n").integer, 1);
  EXPECT_EQ(ReadSlowly(",12.5\r\n").text, "12.5");
  EXPECT_EQ(ReadSlowly("(3492890328409238509324850943850943825024385\r\n").kind,
            Reply::Kind::kText);
  EXPECT_EQ(ReadSlowly("_\r\n").kind, Reply::Kind::kNil);
}

TEST(Resp3ReaderTest, TellsErrorsFromTexts) {
  EXPECT_EQ(ReadSlowly("-ERR no\r\n").kind, Reply::Kind::kError);
  EXPECT_EQ(ReadSlowly("!6\r\nERR no\r\n").kind, Reply::Kind::kError);
}

TEST(Resp3ReaderTest, AMapIsItsKeysAndValuesInTurn) {
  const Reply map = ReadSlowly("%2\r\n+credit\r\n:5\r\n+debit\r\n*1\r\n:7\r\n");
  ASSERT_EQ(map.elements.size(), 4U);
  EXPECT_EQ(map.elements[0].text, "credit");
  EXPECT_EQ(map.elements[1].integer, 5);
  EXPECT_EQ(map.elements[3].elements.at(0).integer, 7);
}

TEST(Resp3ReaderTest, LeavesOutAttributesAndPushes) {
  EXPECT_EQ(ReadSlowly("|1\r\n+ttl\r\n:3600\r\n:5\r\n").integer, 5);
  EXPECT_EQ(ReadSlowly(">2\r\n+invalidate\r\n*1\r\n+key\r\n:5\r\n").integer, 5);
}

TEST(Resp3ReaderTest, GivesRepliesThatCameTogetherOneByOne) {
  Resp3Reader reader;
  reader.Feed(":1\r\n:2\r\n:");
  EXPECT_EQ((*reader.Next())->integer, 1);
  EXPECT_EQ((*reader.Next())->integer, 2);
  EXPECT_FALSE(reader.Next()->has_value());
}

TEST(Resp3ReaderTest, RefusesWhatIsNoReply) {
  for (const char* bytes :
       {"\r\n", "hello\r\n", ":x\r\n", "$x\r\n", "$-1\r\n", "$1\r\nab\r\n", "#x\r\n", "=1\r\nx\r\n",
        "*99999999\r\n", "$99999999999\r\n", "$?\r\n"}) {
    Resp3Reader reader;
    reader.Feed(bytes);
    EXPECT_FALSE(reader.Next()) << bytes;
  }
}

TEST(Resp3ReaderTest, RefusesToNestWithoutEnd) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += "*1\r\n";
  Resp3Reader reader;
  reader.Feed(bytes);
  EXPECT_FALSE(reader.Next());
}

}  // namespace
}  // namespace ledger
