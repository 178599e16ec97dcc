// What is derived from a journal is what a collector makes at once, also when its recorder was
// killed and another one went on with it.
#include "recorder/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "archive/sample_disk.h"
#include "archive/sample_journal.h"
#include "recorder/derivation.h"
#include "recorder/testing/derived_from.h"
#include "recorder/testing/recorded_service.h"
#include "recorder/testing/sample_journal.h"

namespace reprise::recorder {
namespace {

constexpr abi::Cookie kListener = kSampleListener;

std::string range_text(event::ByteRange range) {
  return " [" + std::to_string(range.begin) + "," + std::to_string(range.end) + ")";
}

std::vector<std::string> exchange_facts(const CollectedSink& sink) {
  std::vector<std::string> facts;
  for (const auto& [id, e] : sink.exchanges) {
    std::ostringstream text;
    text << id.value << ": connection " << e.connection.value << " ordinal " << e.ordinal << " "
         << e.method << " " << e.target << " " << e.status << range_text(e.request)
         << range_text(e.response) << " calls " << e.calls << " draws " << e.draws << " "
         << (e.complete ? "complete" : e.incomplete_why);
    facts.push_back(text.str());
  }
  return facts;
}

std::vector<std::string> call_facts(const CollectedSink& sink) {
  std::vector<std::string> facts;
  for (const auto& [id, c] : sink.calls) {
    std::ostringstream text;
    text << id.value << ": context " << static_cast<int>(c.context.kind) << "/"
         << c.context.exchange.value << " connection " << c.connection.value << " " << c.operation
         << " ordinal " << c.ordinal << range_text(c.request) << range_text(c.response) << " "
         << c.complete;
    facts.push_back(text.str());
  }
  return facts;
}

std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> event_facts(
    const CollectedSink& sink) {
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> facts;
  for (const event::Event& event : sink.events) {
    facts.emplace_back(event.thread.value, event.position, event.fact.index());
  }
  return facts;
}

// The first fact in which they differ, as both have it; empty when there is none.
std::string differing(const std::vector<std::string>& found,
                      const std::vector<std::string>& expected) {
  const auto [one, other] =
      std::mismatch(found.begin(), found.end(), expected.begin(), expected.end());
  if (one == found.end() && other == expected.end()) return "";
  return "found " + (one == found.end() ? "nothing" : *one) + "\nfor   " +
         (other == expected.end() ? "nothing" : *other);
}

constexpr int kSteps = kSampleSteps;

void expect_same(const CollectedSink& found, const CollectedSink& expected) {
  EXPECT_EQ(differing(exchange_facts(found), exchange_facts(expected)), "");
  EXPECT_EQ(differing(call_facts(found), call_facts(expected)), "");
  auto one = event_facts(found), other = event_facts(expected);
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  EXPECT_EQ(one, other);
}

CollectedSink collected_at_once() {
  RecordedService whole;
  Workload workload(whole);
  for (int step = 0; step < kSteps; ++step) workload.step();
  whole.finish();
  return whole.sink;
}

TEST(JournalTest, WhatIsDerivedIsWhatACollectorMakesAtOnce) {
  const CollectedSink expected = collected_at_once();
  ASSERT_GT(expected.exchanges.size(), 50u);
  ASSERT_GT(expected.calls.size(), 20u);
  expect_same(derived_from(sample_journal()), expected);
}

// Killed after `cut` steps, of which all was written that was drained, and all given back if
// `settled`; another recorder goes on after the rest.
std::shared_ptr<archive::MemoryDisk> recovered(int cut, bool settled) {
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  Workload workload(recorded);
  for (int step = 0; step < cut; ++step) workload.step();
  {
    JournalKeeper killed(recorded, new_journal(disk), Drain::Mode::kRecord);
    killed.drain.pass();
    killed.write();
    if (settled) killed.drain.settle();
  }
  for (int step = cut; step < kSteps; ++step) workload.step();

  auto written = archive::reader_on(disk);
  JournalKeeper keeper(recorded,
                       *archive::Writer::resume(std::make_unique<archive::MemoryFile>(disk), {}),
                       Drain::Mode::kRecover);
  keeper.journal.take_up(**written);
  keeper.finish();
  return disk;
}

TEST(JournalTest, AKilledRecorderLosesNothingAndNothingIsThereTwice) {
  const CollectedSink expected = collected_at_once();
  for (int cut = 0; cut <= kSteps; cut += 13) {
    for (const bool settled : {false, true}) {
      SCOPED_TRACE(testing::Message() << "cut " << cut << (settled ? ", settled" : ""));
      expect_same(derived_from(recovered(cut, settled)), expected);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(JournalTest, AThreadIsTheSameThoughItsNumberInTheSystemWasNotKnownAtFirst) {
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  SyntheticThread& thread = recorded.thread();
  thread.clock(1);
  abi::ThreadSlot& slot = recorded.service.arena().thread(thread.slot());
  slot.tid = 0;
  {
    JournalKeeper killed(recorded, new_journal(disk), Drain::Mode::kRecord);
    killed.drain.pass();
    killed.write();
  }
  slot.tid = -1;
  thread.clock(2);
  auto written = archive::reader_on(disk);
  JournalKeeper keeper(recorded,
                       *archive::Writer::resume(std::make_unique<archive::MemoryFile>(disk), {}),
                       Drain::Mode::kRecover);
  keeper.journal.take_up(**written);
  keeper.finish();
  const CollectedSink sink = derived_from(disk);
  EXPECT_EQ(sink.of<event::ClockRead>().size(), 2u);
  EXPECT_EQ(sink.of<event::ThreadStarted>().size(), 1u);
}

// The recorder was killed while it cleared what it had written: what the thread did after that
// comes in its order with what others did.
TEST(JournalTest, ASegmentThatWasBeingClearedHoldsUpNothing) {
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  SyntheticThread& one = recorded.thread(0);
  SyntheticThread& other = recorded.thread(1, 0);
  const std::uint32_t cleared = one.segment();
  one.clock(1);
  one.seal();
  {
    JournalKeeper killed(recorded, new_journal(disk), Drain::Mode::kRecord);
    killed.drain.pass();
    killed.write();
  }
  std::memset(recorded.service.arena().bytes(cleared), 0, 64);
  for (int i = 2; i < 20; ++i) (i % 2 == 0 ? one : other).clock(i);
  auto written = archive::reader_on(disk);
  JournalKeeper keeper(recorded,
                       *archive::Writer::resume(std::make_unique<archive::MemoryFile>(disk), {}),
                       Drain::Mode::kRecover);
  keeper.journal.take_up(**written);
  keeper.finish();
  std::vector<std::int64_t> values, expected(19);
  std::iota(expected.begin(), expected.end(), 1);
  const CollectedSink sink = derived_from(disk);
  for (const event::Event* event : sink.of<event::ClockRead>()) {
    values.push_back(std::get<event::ClockRead>(event->fact).value_ns);
  }
  EXPECT_EQ(values, expected);
  EXPECT_TRUE(sink.of<event::Gap>().empty());
}

TEST(JournalTest, ABodyThatComesAgainIsStoredOnceAndIsWholeInWhatIsDerived) {
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  JournalKeeper keeper(recorded, new_journal(disk), Drain::Mode::kRecord);
  SyntheticThread& thread = recorded.thread();
  std::mt19937 random(7);
  std::string body(9'000, ' ');
  for (char& byte : body) byte = static_cast<char>(random());
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back(
        "HTTP/1.1 200 OK\r\nX-Request-Id: " + std::string(static_cast<std::size_t>(i), 'i') +
        "\r\nContent-Length: 9000\r\n\r\n" + body);
  }
  thread.accept(kListener, 2, 80, 5000);
  for (const std::string& response : sent) {
    thread.receive(2, get("/body"));
    thread.send(2, response);
    keeper.drain.pass();
    keeper.write();
    keeper.drain.settle();
  }
  keeper.finish();
  EXPECT_LT(disk->bytes.size(), 5 * body.size());
  std::vector<std::string> found;
  const CollectedSink sink = derived_from(disk);
  for (const event::Event* event : sink.of<event::SendIntended>()) {
    const event::Bytes& bytes = std::get<event::SendIntended>(event->fact).bytes;
    found.emplace_back(bytes.begin(), bytes.end());
  }
  ASSERT_EQ(found.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_TRUE(found[i] == sent[i])
        << "response " << i << " of " << sent[i].size() << " bytes has " << found[i].size();
  }
}

// What a segment has is named by what comes later, in other pages: each has all that its records
// name, and none needs the others.
class NamedEarlierTest : public testing::Test {
 protected:
  // In a page of its own each.
  void answer(const std::string& response) {
    thread_.receive(2, get("/again/and/again/and/again"));
    thread_.send(2, response);
    thread_.clock_later(++later_);
    thread_.clock_later(++later_);
    keeper_.drain.pass();
    keeper_.write();
    pages_.push_back(disk_->bytes.size());
  }
  static std::vector<std::string> responses(const CollectedSink& sink) {
    std::vector<std::string> found;
    for (const event::Event* event : sink.of<event::SendIntended>()) {
      const event::Bytes& bytes = std::get<event::SendIntended>(event->fact).bytes;
      found.emplace_back(bytes.begin(), bytes.end());
    }
    return found;
  }
  CollectedSink finished() {
    keeper_.finish();
    return derived_from(disk_);
  }
  void SetUp() override {
    thread_.accept(kListener, 2, 80, 5000);
    thread_.clock(1'000);
    keeper_.drain.pass();
    keeper_.write();
    pages_.push_back(disk_->bytes.size());
  }

  RecordedService recorded_;
  std::shared_ptr<archive::MemoryDisk> disk_ = std::make_shared<archive::MemoryDisk>();
  JournalKeeper keeper_{recorded_, new_journal(disk_), Drain::Mode::kRecord};
  SyntheticThread& thread_ = recorded_.thread();
  std::vector<std::size_t> pages_;  // where each ends
  std::uint32_t later_ = 0;
};

TEST_F(NamedEarlierTest, IsWholeInWhatIsDerived) {
  for (int i = 0; i < 10; ++i) answer(ok("the answer that everybody gets"));
  const CollectedSink sink = finished();
  EXPECT_EQ(responses(sink), std::vector<std::string>(10, ok("the answer that everybody gets")));
  EXPECT_EQ(sink.exchanges.size(), 10u);
  std::vector<std::int64_t> values, expected(21);
  std::iota(expected.begin(), expected.end(), 1'000);
  for (const event::Event* event : sink.of<event::ClockRead>()) {
    values.push_back(std::get<event::ClockRead>(event->fact).value_ns);
  }
  EXPECT_EQ(values, expected);
  EXPECT_TRUE(sink.of<event::Gap>().empty());
}

TEST_F(NamedEarlierTest, APageThatIsLostTakesNothingOfTheOthersAlong) {
  for (int i = 0; i < 10; ++i) answer(ok("the answer that everybody gets"));
  keeper_.finish();
  disk_->bytes[pages_[0] + (pages_[1] - pages_[0]) / 2] ^= 0xff;  // where it was told whole
  auto reader = archive::reader_on(disk_);
  CollectedSink sink;
  archive_derived_from(**reader)->each_event(
      [&](const event::Event& event) { return sink.on_event(event), true; });
  EXPECT_EQ(responses(sink), std::vector<std::string>(9, ok("the answer that everybody gets")));
}

TEST_F(NamedEarlierTest, ALargeOneIsStoredOnceForAllPages) {
  std::mt19937 random(7);
  std::string body(9'000, ' ');
  for (char& byte : body) byte = static_cast<char>(random());
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + body;
  for (int i = 0; i < 10; ++i) answer(response);
  const CollectedSink sink = finished();
  EXPECT_LT(disk_->bytes.size(), 5 * body.size());
  EXPECT_TRUE(responses(sink) == std::vector<std::string>(10, response));
}

// The service can write to its records while they are read.
TEST(JournalTest, ARecordThatWasMadeToNameWhatIsNotItsOwnIsALoss) {
  // A clock read that the drain saw name nothing in front of the run, and one that names nothing.
  for (const std::uint32_t back : {32u, 8u}) {
    SCOPED_TRACE(back);
    RecordedService recorded;
    auto disk = std::make_shared<archive::MemoryDisk>();
    JournalKeeper keeper(recorded, new_journal(disk), Drain::Mode::kRecord);
    SyntheticThread& thread = recorded.thread();
    thread.clock(1);
    keeper.drain.pass();
    keeper.write();
    const abi::RecordHeader whole{32, abi::RecordType::kClock, 0, 0, 0, 1000};
    const abi::Clock clock{4711, 0};
    const abi::Compact brief{1 << 3 | abi::kCompactMark, abi::RecordType::kClock, abi::kBrief,
                             static_cast<std::uint16_t>(back / 8)};
    std::vector<std::byte> segment(40);
    std::memcpy(segment.data(), &whole, sizeof whole);
    std::memcpy(segment.data() + sizeof whole, &clock, sizeof clock);
    std::memcpy(segment.data() + 32, &brief, sizeof brief);
    RecordRun run{thread.slot(), thread.position(), std::span(segment).last(sizeof brief)};
    run.types = type_bit(abi::RecordType::kClock);
    run.named_from = run.position;
    keeper.journal.on_run(run);
    keeper.finish();
    const CollectedSink sink = derived_from(disk);
    EXPECT_EQ(sink.of<event::ClockRead>().size(), 1u);
    ASSERT_EQ(sink.of<event::Gap>().size(), 1u);
    EXPECT_EQ(std::get<event::Gap>(sink.of<event::Gap>()[0]->fact).records, 1u);
  }
}

// The agent tells the path of a file once.
TEST(JournalTest, AFileThatIsSentInPartsIsReadThoughItsNameIsToldOnce) {
  const std::string path = ::testing::TempDir() + "sent_in_parts";
  std::ofstream(path) << std::string(4000, 'a') << std::string(6000, 'b');
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  JournalKeeper keeper(recorded, new_journal(disk), Drain::Mode::kRecord);
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 2, 80, 5000);
  thread.receive(2, get("/file"));
  thread.send(2, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
  std::uint64_t offset = recorded.service.offsets(2).out;
  for (const auto& [from, length, told] :
       {std::tuple{0, 4000, path + '\0'}, std::tuple{4000, 6000, std::string()}}) {
    abi::FileRange range{};
    range.socket = 2;
    range.offset = offset;
    range.device = status.st_dev;
    range.inode = status.st_ino;
    range.file_size = 10'000;
    range.modified_ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                        static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
    range.file_offset = static_cast<std::uint64_t>(from);
    range.length = 10'000 - range.file_offset;
    thread.write(abi::RecordType::kFileRange, range, told);
    thread.write(abi::RecordType::kSendResult,
                 abi::SendResult{recorded.service.tick(), 2, offset, length, 0, 0});
    offset += static_cast<std::uint64_t>(length);
  }
  keeper.drain.pass();
  keeper.finish();
  const CollectedSink sink = derived_from(disk);
  const auto ranges = sink.of<event::FileRangeSent>();
  ASSERT_EQ(ranges.size(), 2u);
  for (const event::Event* event : ranges) {
    EXPECT_EQ(std::get<event::FileRangeSent>(event->fact).path, path);
    EXPECT_TRUE(std::get<event::FileRangeSent>(event->fact).content);
  }
  EXPECT_TRUE(sink.exchange(1).complete) << sink.exchange(1).incomplete_why;
}

TEST(JournalTest, RecordsOfAnotherVersionAreRefusedWithWhatReadsThem) {
  const auto disk = archive::journal_disk(abi::kRecordVersion + 1, {});
  const auto reader = archive::reader_on(disk);
  ASSERT_TRUE(reader);
  const auto writer = archive::writer_on(std::make_shared<archive::MemoryDisk>());
  archive::Trailer trailer;
  const auto derived = derive(**reader, *writer, trailer);
  ASSERT_FALSE(derived);
  EXPECT_EQ(derived.error().kind, archive::Error::Kind::kNewerFormat);
  EXPECT_NE(derived.error().message.find("Reprise " + (*reader)->header().reprise_version),
            std::string::npos);
}

TEST(JournalTest, ALostBlockBecomesAGapAndTheRestIsRead) {
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  JournalKeeper keeper(recorded, new_journal(disk), Drain::Mode::kRecord);
  Workload workload(recorded);
  std::vector<std::size_t> ends;
  for (int step = 0; step < kSteps; ++step) {
    workload.step();
    if (step % 100 != 99) continue;
    keeper.drain.pass();
    keeper.write();
    ends.push_back(disk->bytes.size());
  }
  keeper.finish();
  disk->bytes[ends[0] + (ends[1] - ends[0]) / 2] ^= 0xff;  // in the second block

  auto reader = archive::reader_on(disk);
  const auto archive = archive_derived_from(**reader);
  EXPECT_FALSE((*reader)->damage().empty());
  CollectedSink sink;
  archive->each_event([&](const event::Event& event) { return sink.on_event(event), true; });
  const auto gaps = sink.of<event::Gap>();
  ASSERT_FALSE(gaps.empty());
  EXPECT_EQ(std::get<event::Gap>(gaps[0]->fact).reason, "a part of the journal is damaged");
  EXPECT_GT(archive->exchange_count(), 20u) << "what is behind the damage is read";
}

}  // namespace
}  // namespace reprise::recorder
