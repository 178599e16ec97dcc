// What the service writes to its standard streams is recorded when it is written, whatever wrote
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::Outcome;
using testing::run_service;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/log_probe";

std::string logged(TestArena& arena, abi::Stream stream) {
  std::string text;
  for (const SeenRecord& record : arena.of(RecordType::kLog)) {
    if (static_cast<abi::Stream>(record.source) == stream) text += record.tail<abi::Log>();
  }
  return text;
}

TEST(Log, EveryWayToWriteALineIsSeen) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "ways"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(logged(arena, abi::Stream::kStdout),
            "1 write\n2 writev\n3 printf\n4 puts\n5 fputs\n6 fwrite\n7 put\n8 va\n9 cout\n"
            "12 printf_chk\n16 unsynchronised\n");
  EXPECT_EQ(logged(arena, abi::Stream::kStderr),
            "8 va\n10 cerr 1.5\n11 dprintf\n13 fprintf_chk\n14 dprintf_chk\n"
            "15 perror: No such file or directory\n");
}

TEST(Log, PiecesOfALineAreOneRecord) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "ways"}).exited_with(0));
  for (const SeenRecord& record : arena.of(RecordType::kLog)) {
    EXPECT_THAT(record.tail<abi::Log>(), ::testing::EndsWith("\n"));
  }
}

TEST(Log, TextOfAnyLengthIsWhole) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "lengths"});
  ASSERT_TRUE(run.exited_with(0));
  EXPECT_EQ(logged(arena, abi::Stream::kStdout), run.output);
}

TEST(Log, TextBeyondAllBoundsComesOutAndLeavesAGap) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "too_long"});
  ASSERT_TRUE(run.exited_with(0));
  EXPECT_EQ(run.output.size(), 2000001u);
  EXPECT_EQ(arena.of(RecordType::kGap).size(), 1u);
}

TEST(Log, UnfinishedLineIsNotHeldBack) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "unfinished"}).exited_with(0));
  std::vector<std::string> texts;
  for (const SeenRecord& record : arena.of(RecordType::kLog)) {
    texts.push_back(record.tail<abi::Log>());
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"begun", "between\n", "never ended"}));
}

TEST(Log, OtherFilesAreNotRecorded) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "other_files"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_TRUE(arena.of(RecordType::kLog).empty());
}

TEST(Log, RedirectedStreamsAreStillTheStandardOnes) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "redirected"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(run.output, "");
  EXPECT_EQ(logged(arena, abi::Stream::kStderr), "to the file\n");
  EXPECT_EQ(logged(arena, abi::Stream::kStdout), "still output\n");
}

}  // namespace
}  // namespace reprise::agent
