// Journals whose records no agent wrote: each is read as far as it says something.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/abi/records.h"
#include "archive/journal_page.h"
#include "archive/sample_disk.h"
#include "recorder/testing/derived_from.h"
#include "recorder/testing/sample_journal.h"

namespace reprise::recorder {
namespace {

constexpr std::uint32_t kHeader = sizeof(abi::RecordHeader);

void append(event::Bytes& bytes, const void* more, std::size_t length) {
  const auto* begin = static_cast<const std::uint8_t*>(more);
  bytes.insert(bytes.end(), begin, begin + length);
}

// The journal of one thread.
class CraftedJournal {
 public:
  CraftedJournal() {
    archive::journal::Thread thread;
    thread.process.path = "0";
    page_.add(thread);
  }

  // A record without a body.
  void add(abi::RecordType type, std::uint8_t flags, std::uint64_t enter) {
    const event::Bytes record = front(type, flags, enter, kHeader);
    page_.add_record(0, position_, record);
    position_ += record.size();
  }
  // One with a body and nothing behind it.
  template <typename Body>
  void add(abi::RecordType type, std::uint8_t flags, std::uint64_t enter, const Body& body) {
    event::Bytes record = front(type, flags, enter, kHeader + sizeof body);
    append(record, &body, sizeof body);
    page_.add_record(0, position_, record);
    position_ += record.size();
  }
  // One whose payload is a stored content, of `length` bytes.
  template <typename Body>
  void add_reference(abi::RecordType type, std::uint8_t flags, std::uint64_t enter,
                     const Body& body, std::uint64_t content, std::uint32_t length) {
    const auto size = static_cast<std::uint32_t>(kHeader + sizeof body + length);
    event::Bytes head = front(type, flags, enter, size);
    append(head, &body, sizeof body);
    page_.add_reference(0, position_, head, content);
    position_ += size;
  }
  std::uint64_t store(std::string_view content) {
    return writer_->store(event::Bytes(content.begin(), content.end()));
  }

  CollectedSink derived() {
    EXPECT_TRUE(writer_->append(page_));
    EXPECT_TRUE(writer_->finish({}));
    return derived_from(disk_);
  }

 private:
  static event::Bytes front(abi::RecordType type, std::uint8_t flags, std::uint64_t enter,
                            std::uint32_t size) {
    const abi::RecordHeader header{size, type, flags, 0, 0, enter};
    event::Bytes bytes;
    append(bytes, &header, sizeof header);
    return bytes;
  }

  std::shared_ptr<archive::MemoryDisk> disk_ = std::make_shared<archive::MemoryDisk>();
  std::unique_ptr<archive::Writer> writer_ = new_journal(disk_);
  archive::JournalPage page_;
  std::uint64_t position_ = 0;
};

// The agent writes payloads that are named, and what names them, as records of their own.
TEST(CraftedJournalTest, RecordsInBriefThatAreStoredAreReadHoweverManyThereAre) {
  constexpr std::uint32_t kPayload = 4096;
  constexpr int kPairs = 400;
  CraftedJournal journal;
  const std::string payload(kPayload, 'p');
  const abi::Earlier earlier{kPayload, kPayload};  // the payload is in front of what names it
  const std::uint64_t stored = journal.store(payload);
  const std::uint64_t named =
      journal.store({reinterpret_cast<const char*>(&earlier), sizeof earlier});
  const abi::Log body{kPayload, 0};
  for (std::uint64_t pair = 0; pair < kPairs; ++pair) {
    journal.add_reference(abi::RecordType::kLog, 0, 1000 + pair, body, stored, kPayload);
    journal.add_reference(abi::RecordType::kLog, abi::kBrief, 1000 + pair, body, named,
                          sizeof earlier);
  }
  const CollectedSink sink = journal.derived();
  const auto lines = sink.of<event::LogWritten>();
  EXPECT_EQ(lines.size(), 2u * kPairs);
  for (const event::Event* line : lines) {
    const event::Bytes& bytes = std::get<event::LogWritten>(line->fact).bytes;
    ASSERT_EQ(std::string(bytes.begin(), bytes.end()), payload);
  }
}

TEST(CraftedJournalTest, AClockThatRunsOverIsANumberLikeAnyOther) {
  CraftedJournal journal;
  journal.add(abi::RecordType::kClock, 0, 1000,
              abi::Clock{std::numeric_limits<std::int64_t>::max(), 0});
  // As records of version 2 have it: so many bytes back, and 1 ns later.
  journal.add(abi::RecordType::kClock, abi::kBrief,
              std::uint64_t{1} << 32 | (kHeader + sizeof(abi::Clock)));
  const CollectedSink sink = journal.derived();
  const auto reads = sink.of<event::ClockRead>();
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(std::get<event::ClockRead>(reads[1]->fact).value_ns,
            std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace reprise::recorder
