// What cannot be recorded is counted, and where records go on they say what is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::ArenaOptions;
using testing::Outcome;
using testing::run_service;
using testing::RunningService;
using testing::RunOptions;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/loss_probe";

std::uint64_t dropped(TestArena& arena) {
  std::uint64_t records = 0;
  for (std::uint32_t i = 0; i < arena.header().thread_count; ++i) {
    records += arena.thread(i).dropped_records.load();
  }
  return records;
}

TEST(Loss, FullArenaDropsAndCountsEveryRecord) {
  ArenaOptions options;
  options.segments = 4;
  options.segment_bytes = 16384;
  TestArena arena(options);
  RunOptions nobody_drains;
  nobody_drains.drain = false;
  constexpr int kRounds = 1000;
  const Outcome run =
      run_service(arena, {kProbe, "messages", std::to_string(kRounds)}, nobody_drains);
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::size_t recorded = 0;
  for (const SeenRecord& record : arena.drain()) {
    if (record.type == RecordType::kSendIntent || record.type == RecordType::kSendResult ||
        record.type == RecordType::kBytesIn) {
      ++recorded;
    }
  }
  EXPECT_LT(recorded, std::size_t{3 * kRounds});
  EXPECT_GE(recorded + dropped(arena), std::size_t{3 * kRounds});
  EXPECT_LE(recorded + dropped(arena), std::size_t{3 * kRounds + 10}) << "the end, and that is all";
}

TEST(Loss, GapStandsBeforeWhatFollowsIt) {
  ArenaOptions options;
  options.segments = 2;
  options.segment_bytes = 8192;
  TestArena arena(options);
  RunOptions nobody_drains;
  nobody_drains.drain = false;
  RunningService service(arena, {kProbe, "on_demand"}, nobody_drains);
  service.write_line("2000");
  ASSERT_EQ(service.read_line(), "done");
  const std::uint64_t lost = dropped(arena);
  ASSERT_GT(lost, 0u);
  const std::size_t before = arena.of(RecordType::kClock).size();
  EXPECT_EQ(before + lost, 2000u);
  EXPECT_TRUE(arena.of(RecordType::kGap).empty());

  // Now there is room again.
  service.write_line("5");
  ASSERT_EQ(service.read_line(), "done");
  ASSERT_TRUE(service.wait().exited_with(0));
  const auto gaps = arena.of(RecordType::kGap);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].body<abi::Gap>().records, lost);
  EXPECT_EQ(arena.of(RecordType::kClock).size(), before + 5);
  std::size_t clocks = 0;
  for (const SeenRecord& record : arena.drain()) {
    if (record.type == RecordType::kGap) break;
    clocks += record.type == RecordType::kClock ? 1 : 0;
  }
  EXPECT_EQ(clocks, before);
}

TEST(Loss, StreamOffsetsCountWhatWasDropped) {
  ArenaOptions options;
  options.segments = 2;
  options.segment_bytes = 8192;
  TestArena arena(options);
  RunOptions nobody_drains;
  nobody_drains.drain = false;
  ASSERT_TRUE(run_service(arena, {kProbe, "messages", "500"}, nobody_drains).exited_with(0));
  for (const SeenRecord& record : arena.of(RecordType::kBytesIn)) {
    const std::string text = record.tail<abi::BytesIn>();
    EXPECT_EQ(std::stoul(text.substr(sizeof("message"))) * 200, record.body<abi::BytesIn>().offset);
  }
}

TEST(Loss, LosslessArenaWaitsForRoom) {
  ArenaOptions options;
  options.flags = abi::kLossless;
  options.segments = 2;
  options.segment_bytes = 8192;
  TestArena arena(options);
  constexpr std::size_t kRounds = 2000;
  const Outcome run = run_service(arena, {kProbe, "messages", std::to_string(kRounds)});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.of(RecordType::kSendIntent).size(), kRounds);
  EXPECT_EQ(arena.of(RecordType::kBytesIn).size(), kRounds);
  EXPECT_EQ(dropped(arena), 0u);
  EXPECT_GT(arena.header().doorbell.load(), 0u) << "the recorder is told that somebody waits";
}

TEST(Loss, LosslessArenaWithoutARecorderDropsInstead) {
  ArenaOptions options;
  options.flags = abi::kLossless;
  options.segments = 2;
  options.segment_bytes = 8192;
  TestArena arena(options);
  arena.header().heartbeat_ns.store(0);
  RunOptions nobody_drains;
  nobody_drains.drain = false;
  const Outcome run = run_service(arena, {kProbe, "messages", "2000"}, nobody_drains);
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_GT(dropped(arena), 0u);
}

TEST(Loss, LosslessArenaHeldByIdleThreadsGivesWayInTheEnd) {
  ArenaOptions options;
  options.flags = abi::kLossless;
  options.segments = 2;
  TestArena arena(options);
  const Outcome run = run_service(arena, {kProbe, "crowd"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_GT(dropped(arena), 0u);
}

TEST(Loss, StoppedCaptureRecordsNothingMore) {
  ArenaOptions options;
  options.segments = 8;
  options.segment_bytes = 8192;
  TestArena arena(options);
  arena.header().capture_stopped.store(1);
  ASSERT_TRUE(run_service(arena, {kProbe, "messages", "2000"}).exited_with(0));
  EXPECT_TRUE(arena.drain().empty());
}

TEST(Loss, EverySegmentComesBack) {
  ArenaOptions options;
  options.segments = 8;
  options.segment_bytes = 8192;
  options.flags = abi::kLossless;
  TestArena arena(options);
  ASSERT_TRUE(run_service(arena, {kProbe, "messages", "1000"}).exited_with(0));
  arena.drain();
  // All but the one that the main thread was filling when it ended.
  EXPECT_EQ(__builtin_popcountll(arena.header().free_map[0].load()), 7);
}

}  // namespace
}  // namespace reprise::agent
