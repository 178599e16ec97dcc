// Damaged archives: nothing crashes, hangs or is passed over in silence, and whole blocks are read.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string_view>
#include <thread>

#include "archive/block.h"
#include "archive/sample_corruption.h"
#include "archive/sample_disk.h"

namespace reprise::archive {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Where the blocks of an undamaged archive are.
struct Place {
  std::uint64_t begin = 0, end = 0;
  BlockHeader header;
};

std::vector<Place> places(const Bytes& bytes) {
  std::vector<Place> found;
  for (std::uint64_t at = 0; at < bytes.size();) {
    const auto header = load_block_header(
        std::span<const std::uint8_t, kBlockHeaderBytes>(bytes.data() + at, kBlockHeaderBytes));
    EXPECT_TRUE(header);
    if (!header) break;
    found.push_back({at, at + header->file_bytes(), *header});
    at = found.back().end;
  }
  return found;
}

// What a reader gets out of an archive.
struct Seen {
  bool opened = false;
  bool finished = false;
  std::size_t damage = 0;
  std::set<std::uint64_t> exchanges;
  std::multiset<std::uint64_t> events;  // enter stamps
};

// Uses every way to read, as a person with a damaged archive would.
Seen read_all(const std::shared_ptr<MemoryDisk>& disk) {
  Seen seen;
  auto opened = reader_on(disk);
  if (!opened) return seen;
  Reader& reader = **opened;
  seen.opened = true;
  seen.finished = reader.trailer().has_value();
  reader.each_event([&](const event::Event& event) {
    seen.events.insert(event.enter.ticks);
    return true;
  });
  reader.each_exchange([&](const event::Exchange& exchange) {
    seen.exchanges.insert(exchange.id.value);
    return true;
  });
  reader.each_call([](const event::Call&) { return true; });
  reader.each_connection([](const event::Connection&) { return true; });
  for (const std::uint64_t id : {1, 7, 20}) {
    if (const auto exchange = reader.exchange({id})) {
      (void)reader.request(*exchange);
      (void)reader.response(*exchange);
    }
    (void)reader.calls(event::Context::of({id}));
    reader.each_event_of({id}, [](const event::Event&) { return true; });
  }
  (void)reader.content(1);
  reader.verify();
  seen.damage = reader.damage().size();
  return seen;
}

// The sequence of bytes of a block, anywhere in a file.
bool holds(const Bytes& file, const Bytes& whole, const Place& place) {
  const auto text = [](const Bytes& bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const auto block = text(whole).substr(place.begin, place.end - place.begin);
  return text(file).find(block) != std::string_view::npos;
}

// Enter stamps of the events in one block, by reading an archive of that block and the first.
std::map<std::uint64_t, std::multiset<std::uint64_t>> stamps_by_block(const Bytes& whole) {
  std::map<std::uint64_t, std::multiset<std::uint64_t>> stamps;
  const auto blocks = places(whole);
  for (const Place& place : blocks) {
    if (place.header.kind != BlockKind::kEvents) continue;
    auto disk = std::make_shared<MemoryDisk>();
    for (const Place& part : {blocks.front(), place}) {
      disk->bytes.insert(disk->bytes.end(), whole.begin() + static_cast<std::ptrdiff_t>(part.begin),
                         whole.begin() + static_cast<std::ptrdiff_t>(part.end));
    }
    const auto reader = *reader_on(disk);
    reader->each_event([&](const event::Event& event) {
      stamps[place.header.number].insert(event.enter.ticks);
      return true;
    });
  }
  return stamps;
}

// One archive, which every worker damages a copy of.
struct Original {
  std::shared_ptr<MemoryDisk> disk = sample_disk({.exchanges = 20, .flush_every = 3});
  std::vector<Place> blocks = places(disk->bytes);
  std::map<std::uint64_t, std::multiset<std::uint64_t>> stamps = stamps_by_block(disk->bytes);
};

void damage_and_read(const Original& original, std::uint32_t seed) {
  const Bytes& whole = original.disk->bytes;
  auto damaged = std::make_shared<MemoryDisk>(*original.disk);
  const std::string what = Corruption(seed).apply(damaged->bytes);
  if (damaged->bytes == whole) return;
  const Seen seen = read_all(damaged);
  if (!seen.opened) return;  // refused with an error, which is a report
  EXPECT_TRUE(seen.damage > 0 || !seen.finished) << what;
  for (const Place& place : original.blocks) {
    const auto expected = original.stamps.find(place.header.number);
    if (expected == original.stamps.end() || !holds(damaged->bytes, whole, place)) continue;
    EXPECT_TRUE(std::includes(seen.events.begin(), seen.events.end(), expected->second.begin(),
                              expected->second.end()))
        << what << ": whole block " << place.header.number << " was not read";
  }
  // Nothing comes out twice or was never put in.
  for (const auto& [number, all] : original.stamps) {
    for (const std::uint64_t stamp : all) {
      EXPECT_LE(seen.events.count(stamp), all.count(stamp)) << what;
    }
  }
}

TEST(Corruption, IsReportedAndWholeBlocksAreStillRead) {
  const Original original;
  ASSERT_GT(original.blocks.size(), 15u);
  ASSERT_EQ(read_all(original.disk).damage, 0u);
  std::atomic<std::uint32_t> next = 0;
  std::vector<std::jthread> workers(std::max(1u, std::thread::hardware_concurrency()));
  for (std::jthread& worker : workers) {
    worker = std::jthread([&] {
      while (true) {
        const std::uint32_t seed = next++;
        if (seed >= corruptions_wanted()) return;
        damage_and_read(original, seed);
      }
    });
  }
}

TEST(Corruption, OfTheFirstBlockLeavesTheRestReadable) {
  auto disk = sample_disk({.exchanges = 20}, false);
  std::fill_n(disk->bytes.begin(), 100, std::uint8_t{0});
  const auto reader = reader_on(disk);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->exchange_count(), 20u);
  (*reader)->verify();
  EXPECT_FALSE((*reader)->damage().empty());
}

TEST(Corruption, OfAnIndexPageFallsBackToTheBlocks) {
  const auto whole = sample_disk({.exchanges = 20});
  for (const Place& place : places(whole->bytes)) {
    if (place.header.kind != BlockKind::kTable) continue;
    auto disk = std::make_shared<MemoryDisk>(*whole);
    disk->bytes[place.end - 1] ^= 1;
    const auto reader = *reader_on(disk);
    EXPECT_EQ(text_of(reader->response(*reader->exchange({11}))), sample_response(11));
    std::uint64_t exchanges = 0;
    reader->each_exchange([&](const event::Exchange&) { return ++exchanges, true; });
    EXPECT_EQ(exchanges, 20u);
    EXPECT_EQ(reader->calls(event::Context::of({11}))->size(), 1u);
    reader->verify();
    EXPECT_FALSE(reader->damage().empty());
  }
}

TEST(Corruption, OfABlockWithTheLastVersionOfAnExchangeLeavesTheEarlierOne) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  event::Exchange exchange;
  exchange.id = {1};
  exchange.target = "/early";
  writer->append(exchange);
  ASSERT_TRUE(writer->flush());
  const std::size_t second = disk->bytes.size();
  exchange.complete = true;
  writer->append(exchange);
  ASSERT_TRUE(writer->finish({}));
  disk->bytes[second + kBlockHeaderBytes] ^= 1;
  const auto reader = *reader_on(disk);
  const auto found = reader->exchange({1});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->target, "/early");
  EXPECT_FALSE(found->complete);
  EXPECT_FALSE(reader->damage().empty());
}

TEST(Corruption, ArchiveInsideARecordedBodyIsNotTakenForThisOne) {
  const auto inner = sample_disk({.exchanges = 3});
  auto disk = std::make_shared<MemoryDisk>();
  Header header = sample_header();
  header.session = "another session";
  const auto writer = *Writer::create(std::make_unique<MemoryFile>(disk), header, {});
  event::Event event;
  event.fact = event::BytesReceived{.connection = {1}, .bytes = inner->bytes};
  writer->append(event);
  ASSERT_TRUE(writer->flush());
  const std::size_t outer = disk->bytes.size();
  event.fact = event::ThreadEnded{};
  writer->append(event);
  ASSERT_TRUE(writer->flush());
  // Its bytes in the clear, where a damaged block was.
  std::copy(inner->bytes.begin(), inner->bytes.begin() + 400, disk->bytes.begin() + outer - 500);
  const auto reader = *reader_on(disk);
  std::uint64_t events = 0;
  reader->each_event([&](const event::Event&) { return ++events, true; });
  EXPECT_EQ(events, 1u);
  EXPECT_EQ(reader->exchange_count(), 0u);
}

TEST(Corruption, ManyBrokenPlacesAreListedUpToABound) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk, {.block_bytes = 1});
  event::Event event;
  event.fact = event::ThreadEnded{};
  for (int i = 0; i < 30'000; ++i) writer->append(event);
  ASSERT_TRUE(writer->flush());
  for (const Place& place : places(disk->bytes)) {
    if (place.header.number % 2 == 1) disk->bytes[place.end - 1] ^= 1;
  }
  const auto reader = *reader_on(disk);
  reader->verify();
  EXPECT_GT(reader->damage().size(), 9'000u);
  EXPECT_LT(reader->damage().size(), 11'000u);
}

}  // namespace
}  // namespace reprise::archive
