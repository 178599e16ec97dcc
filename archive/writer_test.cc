#include "archive/writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "archive/sample_disk.h"

namespace reprise::archive {
namespace {

struct Counts {
  std::uint64_t events = 0, gaps = 0, lost = 0, exchanges = 0, incomplete = 0;
};

Counts count(Reader& reader) {
  Counts counts;
  reader.each_event([&](const event::Event& event) {
    ++counts.events;
    if (const auto* gap = std::get_if<event::Gap>(&event.fact)) {
      ++counts.gaps;
      counts.lost += gap->records;
    }
    return true;
  });
  reader.each_exchange([&](const event::Exchange& exchange) {
    ++counts.exchanges;
    if (!exchange.complete) ++counts.incomplete;
    return true;
  });
  return counts;
}

std::uint64_t sample_events(std::uint64_t exchanges) {
  return one_of_each_fact().size() + exchanges * kSampleEventsPerExchange;
}

// The sample has one made-up gap of 3 records.
constexpr std::uint64_t kSampleGaps = 1, kSampleLost = 3;

std::string expect_whole(Reader& reader) {
  reader.verify();
  std::string damage;
  for (const Damage& one : reader.damage()) damage += one.what + "\n";
  return damage;
}

TEST(Writer, TrailerCountsWhatWasWritten) {
  const auto reader = *reader_on(sample_disk({.exchanges = 20}));
  ASSERT_TRUE(reader->trailer());
  EXPECT_EQ(reader->trailer()->events, sample_events(20));
  EXPECT_EQ(reader->trailer()->exchanges, 20u);
  EXPECT_EQ(reader->trailer()->calls, 20u);
  EXPECT_EQ(reader->trailer()->connections, 4u);
  EXPECT_EQ(reader->trailer()->gaps, kSampleGaps);
  EXPECT_EQ(reader->trailer()->dropped, kSampleLost);
  EXPECT_TRUE(reader->trailer()->exited);
  EXPECT_EQ(expect_whole(*reader), "");
}

TEST(Writer, WhatWasFlushedSurvivesWithoutAnEnd) {
  const auto reader = *reader_on(sample_disk({.exchanges = 20}, false));
  EXPECT_FALSE(reader->trailer());
  EXPECT_EQ(count(*reader).events, sample_events(20));
  EXPECT_EQ(reader->exchange_count(), 20u);
  EXPECT_EQ(text_of(reader->response(*reader->exchange({17}))), sample_response(17));
}

TEST(Writer, ContentIsStoredOnce) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  event::Bytes large(1'000'000);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * i >> 3);
  const std::uint64_t number = writer->store(large);
  const std::uint64_t other = writer->store({1, 2, 3});
  const std::uint64_t empty = writer->store({});
  ASSERT_TRUE(writer->flush());
  const std::uint64_t size = writer->bytes_written();
  EXPECT_EQ(writer->store(large), number);
  EXPECT_EQ(writer->store({}), empty);
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(writer->bytes_written(), size);
  ASSERT_TRUE(writer->finish(sample_trailer()));
  const auto reader = *reader_on(disk);
  EXPECT_EQ(*reader->content(number), large);
  EXPECT_EQ(*reader->content(other), (event::Bytes{1, 2, 3}));
  EXPECT_EQ(*reader->content(empty), event::Bytes{});
  EXPECT_FALSE(reader->content(99));
}

TEST(Writer, EventBeyondTheBoundOfARecordBecomesAGap) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  event::Event event;
  event.fact = event::LogWritten{1, event::Bytes(9u << 20, 'x')};
  writer->append(event);
  event.fact = event::ThreadEnded{};
  writer->append(event);
  ASSERT_TRUE(writer->finish({}));
  const auto reader = *reader_on(disk);
  const Counts counts = count(*reader);
  EXPECT_EQ(counts.events, 2u);
  EXPECT_EQ(counts.gaps, 1u);
  EXPECT_EQ(expect_whole(*reader), "");
}

TEST(Writer, TinyBlocksHoldTheSame) {
  const auto reader = *reader_on(sample_disk({.exchanges = 20}, true, {.block_bytes = 1}));
  EXPECT_EQ(count(*reader).events, sample_events(20));
  EXPECT_EQ(expect_whole(*reader), "");
}

TEST(Writer, FirstBlockWithoutRoomIsAnErrorAtOnce) {
  auto disk = std::make_shared<MemoryDisk>();
  disk->room = 10;
  const auto writer = Writer::create(std::make_unique<MemoryFile>(disk), sample_header(), {});
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().kind, Error::Kind::kDiskFull);
}

// --- A full disk -------------------------------------------------------------------------------

TEST(WriterOnAFullDisk, KeepsBlocksAndWritesThemWhenThereIsRoomAgain) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  disk->room = 700;  // in the middle of a block
  write_sample(*writer, {.exchanges = 20, .flush_every = 2});
  const auto flushed = writer->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().kind, Error::Kind::kDiskFull);
  EXPECT_EQ(writer->records_dropped(), 0u);
  disk->room = ~std::uint64_t{0};
  ASSERT_TRUE(writer->flush());
  ASSERT_TRUE(writer->finish(sample_trailer()));
  const auto reader = *reader_on(disk);
  EXPECT_EQ(count(*reader).events, sample_events(20));
  EXPECT_EQ(expect_whole(*reader), "");
}

TEST(WriterOnAFullDisk, ArchiveIsReadableUpToWhatFitted) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  disk->room = 6000;
  write_sample(*writer, {.exchanges = 200, .flush_every = 1});
  EXPECT_FALSE(writer->finish(sample_trailer()));
  const auto reader = *reader_on(disk);
  EXPECT_GT(reader->exchange_count(), 0u);
  EXPECT_LT(reader->exchange_count(), 200u);
  EXPECT_EQ(text_of(reader->request(*reader->exchange({1}))), sample_request(1));
}

TEST(WriterOnAFullDisk, FinishCanBeTriedAgain) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  write_sample(*writer, {.exchanges = 5});
  ASSERT_TRUE(writer->flush());
  disk->room = disk->bytes.size() + 10;  // the footer does not fit
  EXPECT_FALSE(writer->finish(sample_trailer()));
  disk->room = ~std::uint64_t{0};
  EXPECT_TRUE(writer->finish(sample_trailer()));
  const auto reader = *reader_on(disk);
  ASSERT_TRUE(reader->trailer());
  EXPECT_EQ(expect_whole(*reader), "");
}

TEST(WriterOnAFullDisk, WhatExceedsTheBacklogIsCountedAndToldAsAGap) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk, {.backlog_bytes = 3000});
  disk->room = disk->bytes.size();
  write_sample(*writer, {.exchanges = 100, .flush_every = 1});
  const std::uint64_t dropped = writer->records_dropped();
  EXPECT_GT(dropped, 0u);
  disk->room = ~std::uint64_t{0};
  ASSERT_TRUE(writer->flush());
  ASSERT_TRUE(writer->finish(sample_trailer()));
  const auto reader = *reader_on(disk);
  const Counts counts = count(*reader);
  EXPECT_EQ(counts.gaps, kSampleGaps + 1);
  EXPECT_EQ(counts.lost, kSampleLost + dropped);
  EXPECT_EQ(reader->trailer()->dropped, counts.lost);
  EXPECT_EQ(expect_whole(*reader), "");
}

// Appends the events of exchange 1 while the disk is full and nothing may be kept.
TEST(WriterOnAFullDisk, ExchangeThatLostEventsIsNotComplete) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk, {.backlog_bytes = 0});
  event::Exchange exchange;
  exchange.id = {1};
  exchange.complete = true;
  writer->append(exchange);
  ASSERT_TRUE(writer->flush());
  disk->room = disk->bytes.size();
  event::Event event;
  for (std::uint64_t id = 1; id <= 2; ++id) {
    event.context = event::Context::of({id});
    event.fact = event::LogWritten{1, {'x'}};
    writer->append(event);
  }
  EXPECT_FALSE(writer->flush() && writer->records_dropped() == 0);
  disk->room = ~std::uint64_t{0};
  ASSERT_TRUE(writer->flush());
  exchange.id = {2};  // completes after the loss
  writer->append(exchange);
  exchange.id = {3};
  writer->append(exchange);
  ASSERT_TRUE(writer->finish(sample_trailer()));
  const auto reader = *reader_on(disk);
  EXPECT_FALSE(reader->exchange({1})->complete);
  EXPECT_FALSE(reader->exchange({2})->complete);
  EXPECT_NE(reader->exchange({2})->incomplete_why, "");
  EXPECT_TRUE(reader->exchange({3})->complete);
}

// --- Going on ----------------------------------------------------------------------------------

TEST(WriterResume, GoesOnBehindTheLastWholeBlock) {
  auto disk = sample_disk({.exchanges = 10}, false);
  disk->bytes.resize(disk->bytes.size() + 50, 0x5a);  // a block was being written
  auto writer = Writer::resume(std::make_unique<MemoryFile>(disk), {});
  ASSERT_TRUE(writer);
  event::Exchange exchange;
  exchange.id = {11};
  exchange.target = "/late";
  (*writer)->append(exchange);
  Trailer trailer = sample_trailer();
  trailer.recovered = true;
  ASSERT_TRUE((*writer)->finish(trailer));
  const auto reader = *reader_on(disk);
  ASSERT_TRUE(reader->trailer());
  EXPECT_TRUE(reader->trailer()->recovered);
  EXPECT_EQ(reader->trailer()->events, sample_events(10));
  EXPECT_EQ(reader->exchange_count(), 11u);
  EXPECT_EQ(reader->exchange({11})->target, "/late");
  EXPECT_EQ(text_of(reader->response(*reader->exchange({9}))), sample_response(9));
  EXPECT_EQ(expect_whole(*reader), "");
}

TEST(WriterResume, KnowsStoredContent) {
  auto disk = sample_disk({.exchanges = 1}, false);
  auto writer = *Writer::resume(std::make_unique<MemoryFile>(disk), {});
  EXPECT_EQ(writer->store(event::Bytes(1000, 'x')), 1u);
  EXPECT_EQ(writer->store(event::Bytes(1000, 'y')), 2u);
}

TEST(WriterResume, FinishedArchiveIsLeftAlone) {
  const auto disk = sample_disk();
  const auto before = disk->bytes;
  const auto writer = Writer::resume(std::make_unique<MemoryFile>(disk), {});
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().kind, Error::Kind::kExists);
  EXPECT_EQ(disk->bytes, before);
}

TEST(WriterResume, SomethingElseIsLeftAlone) {
  auto disk = std::make_shared<MemoryDisk>();
  disk->bytes = {'h', 'e', 'l', 'l', 'o'};
  const auto writer = Writer::resume(std::make_unique<MemoryFile>(disk), {});
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().kind, Error::Kind::kNotAnArchive);
  EXPECT_EQ(disk->bytes.size(), 5u);
}

// --- Real files --------------------------------------------------------------------------------

class WriterOnFiles : public testing::Test {
 protected:
  WriterOnFiles() { std::filesystem::create_directories(folder_); }
  ~WriterOnFiles() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("writer_test." + std::to_string(getpid()));
};

TEST_F(WriterOnFiles, DoesNotOverwriteUnlessTold) {
  std::ofstream(path("a")) << "precious";
  const auto refused = Writer::create(path("a"), sample_header(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::kExists);
  EXPECT_EQ(std::filesystem::file_size(path("a")), 8u);
  ASSERT_TRUE(Writer::create(path("a"), sample_header(), {.overwrite = true}));
  EXPECT_TRUE(Reader::open(path("a")));
}

TEST_F(WriterOnFiles, TwoWritersDoNotShareAFile) {
  const auto writer = Writer::create(path("a"), sample_header(), {});
  ASSERT_TRUE(writer);
  const auto second = Writer::resume(path("a"), {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another recorder"), std::string::npos);
}

TEST_F(WriterOnFiles, MissingFolderIsAnErrorThatNamesThePath) {
  const auto writer = Writer::create(path("none/a"), sample_header(), {});
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().kind, Error::Kind::kNotFound);
  EXPECT_NE(writer.error().message.find("none/a"), std::string::npos);
}

TEST_F(WriterOnFiles, LimitOfTheFileSizeIsAFullDiskAndNotTheEnd) {
  const auto writer = *Writer::create(path("a"), sample_header(), {});
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{2000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  write_sample(*writer, {.exchanges = 100, .flush_every = 1});
  const auto flushed = writer->flush();
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().kind, Error::Kind::kDiskFull);
  ASSERT_TRUE(writer->finish(sample_trailer()));
  EXPECT_EQ((*Reader::open(path("a")))->exchange_count(), 100u);
}

TEST_F(WriterOnFiles, ReaderFollowsAGrowingFile) {
  const auto writer = *Writer::create(path("a"), sample_header(), {});
  write_sample(*writer, {.exchanges = 5});
  ASSERT_TRUE(writer->flush());
  const auto reader = *Reader::open(path("a"));
  EXPECT_EQ(reader->exchange_count(), 5u);
  event::Exchange exchange;
  exchange.id = {6};
  writer->append(exchange);
  ASSERT_TRUE(writer->flush());
  std::uint64_t seen = 0;
  reader->each_exchange([&](const event::Exchange& one) {
    seen = one.id.value;
    return true;
  });
  EXPECT_EQ(seen, 6u);
  EXPECT_TRUE(reader->exchange({6}));
  EXPECT_TRUE(reader->damage().empty());
}

}  // namespace
}  // namespace reprise::archive
