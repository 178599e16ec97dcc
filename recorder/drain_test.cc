#include "recorder/drain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <random>

#include "recorder/testing/recorded_service.h"

namespace reprise::recorder {
namespace {

// Notes what it is given.
struct Notes final : RecordConsumer {
  struct Record {
    std::uint32_t slot;
    std::uint64_t position;
    abi::RecordType type;
    std::uint64_t enter;
    std::int64_t value;  // of a clock
  };
  std::vector<Record> records;
  std::vector<std::pair<std::uint32_t, StreamLoss>> losses;
  std::vector<std::uint32_t> gone_threads, gone_processes;
  std::uint64_t wanted = 0;
  const std::uint64_t ticks_per_second;

  explicit Notes(const Arena& arena) : ticks_per_second(arena.clock().ticks_per_second) {}

  std::uint64_t on_thread(const ThreadIdentity&) override { return wanted; }
  void on_run(const RecordRun& run) override {
    each_record_in(run, ticks_per_second, [&](std::uint64_t position, const RecordView& record) {
      note(run.slot, position, record);
    });
  }
  void note(std::uint32_t slot, std::uint64_t position, const RecordView& record) {
    abi::Clock clock{};
    const bool is_clock = record.type() == abi::RecordType::kClock && record.read(clock);
    EXPECT_EQ(is_clock, record.type() == abi::RecordType::kClock);
    records.push_back({slot, position, record.type(), record.enter(), clock.value_ns});
  }
  void on_loss(std::uint32_t slot, const StreamLoss& loss) override {
    losses.emplace_back(slot, loss);
  }
  void on_thread_gone(std::uint32_t slot) override { gone_threads.push_back(slot); }
  void on_process_gone(std::uint32_t slot) override { gone_processes.push_back(slot); }

  std::vector<std::int64_t> clocks() const {
    std::vector<std::int64_t> values;
    for (const Record& record : records) {
      if (record.type == abi::RecordType::kClock) values.push_back(record.value);
    }
    return values;
  }
  std::uint64_t lost_records() const {
    std::uint64_t sum = 0;
    for (const auto& [slot, loss] : losses) sum += loss.records;
    return sum;
  }
};

class DrainTest : public testing::Test {
 protected:
  SyntheticService service_;
  ProcessWatch watch_{service_.arena()};
  Notes notes_{service_.arena()};
  Drain drain_{service_.arena(), watch_, notes_, Drain::Mode::kRecord};
  std::uint32_t process_ = service_.add_process();

  std::uint32_t free_segments() {
    std::uint32_t count = 0;
    for (const auto& word : service_.arena().header().free_map) {
      count += static_cast<std::uint32_t>(std::popcount(word.load()));
    }
    return count;
  }
};

TEST_F(DrainTest, ABriefClockReadIsAsMuchLaterAsItSays) {
  SyntheticThread& thread = service_.add_thread(process_, 0);
  thread.clock(500);
  const std::uint64_t stamp = service_.stamp;
  service_.stamp += 1000;
  thread.clock_later(30);
  drain_.pass();
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{500, 530}));
  EXPECT_EQ(notes_.records.back().enter, stamp + 30);
}

TEST_F(DrainTest, ABriefRecordThatNamesWhatIsNotInItsSegmentIsLost) {
  SyntheticThread& thread = service_.add_thread(process_, 0);
  for (const std::uint32_t back : {0u, 8u, 100'000u, 0xffff'fff8u}) {
    thread.compact({1 << 3 | abi::kCompactMark, abi::RecordType::kClock, abi::kBrief,
                    static_cast<std::uint16_t>(back / 8)});
    const abi::Earlier earlier{back, 64};
    thread.write(abi::RecordType::kLog, abi::Log{64, 0},
                 {reinterpret_cast<const char*>(&earlier), sizeof earlier}, abi::kBrief);
  }
  thread.clock(7);
  drain_.pass();
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{7}));
  EXPECT_EQ(notes_.lost_records(), 8u);
}

TEST_F(DrainTest, RecordsOfThreadsComeInTheOrderOfTheirStamps) {
  SyntheticThread& one = service_.add_thread(process_, 0);
  SyntheticThread& two = service_.add_thread(process_, 1, 0);
  for (int i = 0; i < 100; ++i) (i % 3 == 0 ? one : two).clock(i);
  drain_.pass();
  std::vector<std::int64_t> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(notes_.clocks(), expected);
}

TEST_F(DrainTest, APassThatIsToEndEarlyEndsBetweenRecordsAndTheNextGoesOnInOrder) {
  SyntheticThread& one = service_.add_thread(process_, 0);
  SyntheticThread& two = service_.add_thread(process_, 1, 0);
  for (int i = 0; i < 100; ++i) (i % 3 == 0 ? one : two).clock(i);
  std::size_t passes = 0;
  while (drain_.pass(300) != 0) {
    ++passes;
    drain_.settle();
  }
  EXPECT_GT(passes, 5u);
  std::vector<std::int64_t> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(notes_.clocks(), expected);
}

TEST_F(DrainTest, ARecordLaterThanThePassWaitsForTheNextSoThatItsCauseIsSeenFirst) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  service_.stamp = service_.arena().clock().now() + 1'000'000'000'000;  // not believed: see below
  thread.clock(2);
  drain_.pass();
  // A stamp from far ahead is damage, and must not hold the thread up for ever.
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{1, 2}));

  service_.stamp = service_.arena().clock().now() + service_.arena().clock().ticks(1'000'000'000);
  thread.clock(3);
  drain_.pass();
  EXPECT_EQ(notes_.clocks().size(), 2u);
  drain_.finish(true);
  EXPECT_EQ(notes_.clocks().size(), 3u);
}

TEST_F(DrainTest, AnUncommittedRecordHidesWhatIsBehindItUntilItIsCommitted) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  thread.prepare(abi::RecordType::kClock, abi::Clock{2, 0});
  drain_.pass();
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{1}));
  thread.commit();
  thread.clock(3);
  drain_.pass();
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_F(DrainTest, ATornRecordOfADeadThreadIsALossAndNotARecord) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  thread.prepare(abi::RecordType::kClock, abi::Clock{2, 0});
  drain_.finish(true);
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{1}));
  ASSERT_EQ(notes_.losses.size(), 1u);
  EXPECT_EQ(notes_.losses[0].second.records, 1u);
  EXPECT_EQ(notes_.losses[0].second.bytes, sizeof(abi::RecordHeader) + sizeof(abi::Clock));
  EXPECT_EQ(notes_.gone_threads, (std::vector<std::uint32_t>{thread.slot()}));
  EXPECT_EQ(notes_.gone_processes, (std::vector<std::uint32_t>{process_}));
}

TEST_F(DrainTest, SegmentsGoBackOnlyWhenWhatWasReadIsSafe) {
  SyntheticThread& thread = service_.add_thread(process_);
  const std::uint32_t before = free_segments();
  const std::uint32_t full = thread.segment();
  thread.clock(1);
  thread.seal();
  thread.clock(2);
  drain_.pass();
  EXPECT_EQ(free_segments(), before - 1) << "nothing was said to be safe yet";
  drain_.settle();
  EXPECT_EQ(free_segments(), before) << "the sealed segment is back, the open one is not";
  const std::byte* bytes = service_.arena().bytes(full);
  EXPECT_TRUE(std::all_of(bytes, bytes + service_.arena().geometry().segment_bytes,
                          [](std::byte byte) { return byte == std::byte{0}; }))
      << "a size that is not zero would be read as a record";
}

TEST_F(DrainTest, AnEndedThreadGivesItsSlotAndSegmentsBack) {
  const std::uint32_t before = free_segments();
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  thread.end();
  drain_.pass();
  drain_.pass();
  EXPECT_EQ(notes_.gone_threads, (std::vector<std::uint32_t>{thread.slot()}));
  drain_.settle();
  EXPECT_EQ(free_segments(), before);
  EXPECT_EQ(service_.arena().thread(thread.slot()).claim.load(), abi::ThreadClaim::kFree);
  // The next thread of that slot begins anew.
  SyntheticThread& next = service_.add_thread(process_, 1, 0);
  ASSERT_EQ(next.slot(), thread.slot());
  next.clock(7);
  drain_.pass();
  EXPECT_EQ(notes_.records.back().value, 7);
  EXPECT_EQ(notes_.records[notes_.records.size() - 2].position, 0u);
}

TEST_F(DrainTest, DropsThatNoGapRecordToldAreToldWhenTheThreadIsGone) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.gap(5);
  abi::ThreadSlot& slot = service_.arena().thread(thread.slot());
  slot.dropped_records.store(12);
  slot.dropped_bytes.store(5 * 100 + 333);
  drain_.finish(true);
  ASSERT_EQ(notes_.losses.size(), 1u);
  EXPECT_EQ(notes_.losses[0].second.records, 7u);
  EXPECT_EQ(notes_.losses[0].second.bytes, 333u);
}

TEST_F(DrainTest, AThreadThatOnlyDroppedIsToldToo) {
  SyntheticThread& thread = service_.add_thread(process_);
  drain_.pass();
  abi::ThreadSlot& silent = service_.arena().thread(thread.slot() + 1);
  silent.process = process_;
  silent.dropped_records.store(3);
  silent.claim.store(abi::ThreadClaim::kEnded);
  drain_.finish(true);
  EXPECT_EQ(notes_.lost_records(), 3u);
}

TEST_F(DrainTest, RecordsAnEarlierRecorderWroteAreNotHandedOnAgain) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  const std::uint64_t archived = thread.position();
  thread.clock(2);
  notes_.wanted = archived;
  Drain recovery(service_.arena(), watch_, notes_, Drain::Mode::kRecover);
  recovery.finish(true);
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{2}));
}

TEST_F(DrainTest, ARecoveryChangesNothingInTheArena) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  thread.end();
  const std::uint32_t before = free_segments();
  Drain recovery(service_.arena(), watch_, notes_, Drain::Mode::kRecover);
  recovery.finish(true);
  recovery.settle();
  EXPECT_EQ(free_segments(), before);
  EXPECT_EQ(service_.arena().thread(thread.slot()).claim.load(), abi::ThreadClaim::kEnded);
}

TEST_F(DrainTest, ASizeThatNoRecordHasLosesTheRestOfItsSegmentAndNoMore) {
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  const std::uint64_t damaged = thread.position();
  const std::uint32_t segment = thread.segment();
  thread.clock(2);
  thread.clock(3);
  thread.seal();
  thread.clock(4);
  auto* header = reinterpret_cast<abi::RecordHeader*>(service_.arena().bytes(segment) + damaged);
  for (const std::uint32_t size :
       {4u, 17u, 0xfffffff8u, service_.arena().geometry().segment_bytes}) {
    SCOPED_TRACE(size);
    Notes notes(service_.arena());
    header->size.store(size);
    Drain drain(service_.arena(), watch_, notes, Drain::Mode::kRecover);
    drain.finish(true);
    EXPECT_EQ(notes.clocks(), (std::vector<std::int64_t>{1, 4}));
    EXPECT_GE(notes.lost_records(), 1u);
  }
}

TEST_F(DrainTest, ASegmentSeenBeforeAnEarlierOneWaitsForIt) {
  // A look at the headers may meet the later segment of a thread and miss the earlier, which was
  // published behind its back.
  SyntheticThread& thread = service_.add_thread(process_);
  thread.clock(1);
  const std::uint32_t early = thread.segment();
  thread.seal();
  thread.clock(2);
  service_.arena().segment(early).published.store(0);
  drain_.pass();
  EXPECT_TRUE(notes_.clocks().empty());
  service_.arena().segment(early).published.store(1);
  drain_.pass();
  EXPECT_EQ(notes_.clocks(), (std::vector<std::int64_t>{1, 2}));
}

// A service that overwrites its own memory overwrites the arena with it.
TEST(DrainDamageTest, NoOverwrittenArenaCrashesOrHangsTheRecorder) {
  std::mt19937 random(20240501);
  for (int round = 0; round < 300; ++round) {
    RecordedService recorded(kSmallestArena);
    SyntheticThread& one = recorded.thread(0);
    SyntheticThread& two = recorded.thread(1, 0);
    one.accept(9, 10, 80, 5000);
    for (std::uint64_t i = 0; i < 8; ++i) {
      one.receive(10, get("/" + std::to_string(i)));
      two.connect(100 + i, static_cast<std::uint16_t>(6000 + i), 81);
      two.send(100 + i, get("/up"));
      two.receive(100 + i, ok("x"));
      one.send(10, ok("y"));
      one.wait({10, 100 + i});
    }
    Arena& arena = recorded.service.arena();
    auto* bytes = reinterpret_cast<std::uint8_t*>(&arena.header());
    // The slots, the segment headers, and the records.
    const std::uint64_t begin = arena.geometry().processes_offset;
    const std::uint64_t end = arena.geometry().segments_offset + 3 * arena.geometry().segment_bytes;
    const int hits = 1 + static_cast<int>(random() % 64);
    for (int hit = 0; hit < hits; ++hit) {
      bytes[begin + random() % (end - begin)] = static_cast<std::uint8_t>(random());
      if (hit % 8 == 0) recorded.collect();
    }
    recorded.collect();
    recorded.drain.settle();
    recorded.collector.settled();
    recorded.collector.age();
    recorded.finish();
  }
}

}  // namespace
}  // namespace reprise::recorder
