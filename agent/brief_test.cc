// What a segment has already is not written again, and stands for the same bytes and values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <sstream>
#include <string>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using ::testing::ElementsAre;
using testing::Outcome;
using testing::run_service;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/brief_probe";

bool is_brief(const SeenRecord& record) { return (record.flags & abi::kBrief) != 0; }

// What it printed.
std::vector<std::string> lines_of(const Outcome& run) {
  EXPECT_TRUE(run.exited_with(0)) << run.output;
  std::vector<std::string> lines;
  std::istringstream stream(run.output);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct Payloads {
  std::vector<std::string> bytes;
  std::vector<bool> brief;
};
Payloads sent(TestArena& arena) {
  Payloads found;
  for (const SeenRecord& record : arena.of(RecordType::kSendIntent)) {
    found.bytes.push_back(record.tail<abi::SendIntent>());
    found.brief.push_back(is_brief(record));
    EXPECT_EQ(record.body<abi::SendIntent>().length, found.bytes.back().size());
  }
  return found;
}

TEST(Brief, APayloadThatComesAgainIsNamed) {
  TestArena arena;
  const auto said = lines_of(run_service(arena, {kProbe, "again"}));
  const Payloads payloads = sent(arena);
  EXPECT_EQ(payloads.bytes, said);
  EXPECT_THAT(payloads.brief, ElementsAre(false, true, true, false, true));
  for (const SeenRecord& record : arena.of(RecordType::kBytesIn)) {
    EXPECT_TRUE(is_brief(record)) << "what is received was sent by this thread before";
  }
}

TEST(Brief, TwoLengthsOfOnePlaceDoNotDriveEachOtherOut) {
  TestArena arena;
  const auto said = lines_of(run_service(arena, {kProbe, "in_turn"}));
  const Payloads payloads = sent(arena);
  EXPECT_EQ(payloads.bytes, said);
  EXPECT_THAT(payloads.brief, ElementsAre(false, false, true, true, true, true));
}

TEST(Brief, AShortOneIsWritten) {
  TestArena arena;
  const auto said = lines_of(run_service(arena, {kProbe, "short_again"}));
  const Payloads payloads = sent(arena);
  EXPECT_EQ(payloads.bytes, said);
  EXPECT_THAT(payloads.brief, ElementsAre(false, false, false));
}

TEST(Brief, PartsInMemoryMakeNoDifference) {
  TestArena arena;
  const auto said = lines_of(run_service(arena, {kProbe, "scattered"}));
  const Payloads payloads = sent(arena);
  EXPECT_EQ(payloads.bytes, said);
  EXPECT_THAT(payloads.brief, ElementsAre(false, true));
}

TEST(Brief, ASegmentStandsForItself) {
  TestArena arena;
  const auto said = lines_of(run_service(arena, {kProbe, "far_apart"}));
  const Payloads payloads = sent(arena);
  EXPECT_GE(payloads.bytes.size(), said.size()) << "one may come in two parts";
  EXPECT_EQ(payloads.bytes.back(), said.back());
  EXPECT_FALSE(payloads.brief.back());
}

TEST(Brief, MemoryThatCannotBeReadIsLikeNoOther) {
  TestArena arena;
  (void)lines_of(run_service(arena, {kProbe, "unreadable"}));
  EXPECT_THAT(sent(arena).brief, ElementsAre(false)) << "the other one is a gap";
  EXPECT_EQ(arena.of(RecordType::kGap).size(), 1u);
  EXPECT_EQ(arena.of(RecordType::kSendResult).back().body<abi::SendResult>().error, EFAULT);
}

TEST(Brief, AClockThatIsReadAgainIsToldByItsDistance) {
  TestArena arena;
  const auto said = lines_of(run_service(arena, {kProbe, "clock_loop"}));
  std::vector<std::string> values;
  int monotonic = 0, coarse = 0;
  for (const SeenRecord& record : arena.of(RecordType::kClock)) {
    values.push_back(std::to_string(record.body<abi::Clock>().value_ns));
    if (!is_brief(record)) continue;
    const bool is_coarse =
        record.source == static_cast<std::uint8_t>(abi::ClockSource::kRealtimeCoarse);
    ++(is_coarse ? coarse : monotonic);
  }
  EXPECT_EQ(values, said);
  EXPECT_GE(monotonic, 1) << "reads within a millisecond";
  EXPECT_EQ(coarse, 0) << "this one does not run as the stamp does";
}

}  // namespace
}  // namespace reprise::agent
