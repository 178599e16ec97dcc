// Damaged archives: nothing crashes, hangs or is passed over in silence, and whole blocks are read.
// The number of random corruptions is REPRISE_CORRUPTIONS, 1000 when it is not set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "archive/block.h"
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

class Corruption {
 public:
  explicit Corruption(std::uint32_t seed) : random_(seed) {}

  // Damages `bytes`; returns what was done, for messages.
  std::string apply(Bytes& bytes) {
    switch (random_() % 7) {
      case 0: {
        const std::size_t at = pick(bytes.size());
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1u << (random_() % 8)));
        return "bit flipped in " + std::to_string(at);
      }
      case 1: {
        const std::size_t at = pick(bytes.size());
        bytes.resize(at);
        return "cut off at " + std::to_string(at);
      }
      case 2: {
        const auto [from, count] = range(bytes.size());
        for (std::ptrdiff_t i = 0; i < count; ++i)
          bytes[from + i] = static_cast<std::uint8_t>(random_());
        return "noise";
      }
      case 3: {
        const auto [from, count] = range(bytes.size());
        std::fill_n(bytes.begin() + from, count, std::uint8_t{0});
        return "zeros from " + std::to_string(from) + ", " + std::to_string(count);
      }
      case 4: {
        const auto [from, count] = range(bytes.size());
        bytes.erase(bytes.begin() + from, bytes.begin() + from + count);
        return "removed from " + std::to_string(from) + ", " + std::to_string(count);
      }
      case 5: {
        Bytes noise(1 + pick(300));
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random_());
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(bytes.size() + 1)),
                     noise.begin(), noise.end());
        return "inserted " + std::to_string(noise.size());
      }
      default: {
        const auto [from, count] = range(bytes.size());
        const Bytes part(bytes.begin() + from, bytes.begin() + from + count);
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(bytes.size() + 1)),
                     part.begin(), part.end());
        return "doubled " + std::to_string(count) + " from " + std::to_string(from);
      }
    }
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }
  std::pair<std::ptrdiff_t, std::ptrdiff_t> range(std::size_t size) {
    const std::size_t from = pick(size);
    const std::size_t count = 1 + pick(std::min<std::size_t>(size - from, 2000));
    return {static_cast<std::ptrdiff_t>(from), static_cast<std::ptrdiff_t>(count)};
  }

  std::mt19937 random_;
};

std::uint32_t corruptions() {
  const char* given = std::getenv("REPRISE_CORRUPTIONS");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : 1000;
}

// The sequence of bytes of a block, anywhere in a file.
bool holds(const Bytes& file, const Bytes& whole, const Place& place) {
  const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(place.begin);
  const auto end = whole.begin() + static_cast<std::ptrdiff_t>(place.end);
  return std::search(file.begin(), file.end(), begin, end) != file.end();
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

TEST(Corruption, IsReportedAndWholeBlocksAreStillRead) {
  const auto disk = sample_disk({.exchanges = 40, .flush_every = 5});
  const Bytes whole = disk->bytes;
  const auto blocks = places(whole);
  ASSERT_GT(blocks.size(), 15u);
  const auto stamps = stamps_by_block(whole);
  const std::size_t known = read_all(disk).damage;
  ASSERT_EQ(known, 0u);
  for (std::uint32_t seed = 0; seed < corruptions(); ++seed) {
    auto damaged = std::make_shared<MemoryDisk>(*disk);
    const std::string what =
        "seed " + std::to_string(seed) + ": " + Corruption(seed).apply(damaged->bytes);
    if (damaged->bytes == whole) continue;
    const Seen seen = read_all(damaged);
    if (!seen.opened) continue;  // refused with an error, which is a report
    EXPECT_TRUE(seen.damage > 0 || !seen.finished) << what;
    for (const Place& place : blocks) {
      const auto expected = stamps.find(place.header.number);
      if (expected == stamps.end() || !holds(damaged->bytes, whole, place)) continue;
      EXPECT_TRUE(std::includes(seen.events.begin(), seen.events.end(), expected->second.begin(),
                                expected->second.end()))
          << what << ": whole block " << place.header.number << " was not read";
    }
    // Nothing comes out twice or was never put in.
    for (const auto& [number, all] : stamps) {
      for (const std::uint64_t stamp : all) EXPECT_LE(seen.events.count(stamp), all.count(stamp));
    }
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
