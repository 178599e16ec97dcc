// Archives as earlier versions wrote them are read, event by event, as what they were.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "archive/reader.h"
#include "archive/sample_disk.h"
#include "archive/sample_recording.h"
#include "recorder/derivation.h"

namespace reprise::archive {
namespace {

constexpr std::uint64_t kExchanges = 20;

std::unique_ptr<Reader> open(const std::string& name) {
  auto reader = Reader::open("tests/golden/" + name);
  EXPECT_TRUE(reader) << reader.error().message;
  return reader ? std::move(*reader) : nullptr;
}

std::string text(const tl::expected<event::Bytes, Error>& bytes) {
  return bytes ? std::string(bytes->begin(), bytes->end()) : "error: " + bytes.error().message;
}

// Everything the sample recording holds in a format that has so many kinds of facts.
void expect_sample(Reader& reader, std::size_t facts) {
  EXPECT_EQ(reader.header().session, sample_header().session);
  EXPECT_EQ(reader.header().command, sample_header().command);
  EXPECT_EQ(reader.header().epoch, sample_header().epoch);
  ASSERT_EQ(reader.exchange_count(), kExchanges);
  for (std::uint64_t id = 1; id <= kExchanges; ++id) {
    const auto exchange = reader.exchange({id});
    ASSERT_TRUE(exchange);
    EXPECT_EQ(exchange->target, "/item/" + std::to_string(id));
    EXPECT_TRUE(exchange->complete);
    EXPECT_EQ(text(reader.request(*exchange)), sample_request(id));
    EXPECT_EQ(text(reader.response(*exchange)), sample_response(id));
    const auto calls = reader.calls(event::Context::of({id}));
    ASSERT_TRUE(calls);
    ASSERT_EQ(calls->size(), 1u);
    EXPECT_EQ(text(reader.request(calls->front())), sample_call_request(id));
    EXPECT_EQ(text(reader.response(calls->front())), sample_call_response(id));
  }
  // The first events are one of each.
  std::size_t kind = 0, events = 0;
  reader.each_event([&](const event::Event& event) {
    if (kind < facts) {
      EXPECT_EQ(event.fact.index(), kind++);
    }
    ++events;
    return true;
  });
  EXPECT_EQ(events, facts + kExchanges * kSampleEventsPerExchange);
  EXPECT_EQ(reader.content(1)->size(), 1000u);
}

TEST(Golden, ArchiveOfFormat10WithoutAnEnd) {
  const auto reader = open("format_1_0_cut.reprise");
  ASSERT_NE(reader, nullptr);
  EXPECT_FALSE(reader->trailer());
  expect_sample(*reader, 29);
}

// A version's finished archive, and how many kinds of facts that version had.
struct Finished {
  const char* name;
  std::size_t facts;
};

class GoldenFinished : public testing::TestWithParam<Finished> {};

TEST_P(GoldenFinished, IsReadAsWhatItWas) {
  const auto reader = open(GetParam().name + std::string(".reprise"));
  ASSERT_NE(reader, nullptr);
  ASSERT_TRUE(reader->trailer());
  EXPECT_EQ(reader->trailer()->exchanges, kExchanges);
  expect_sample(*reader, GetParam().facts);
  reader->verify();
  EXPECT_TRUE(reader->is_whole());
}

INSTANTIATE_TEST_SUITE_P(, GoldenFinished,
                         testing::Values(Finished{"format_1_0", 29}, Finished{"format_1_1", 30},
                                         Finished{"format_1_2", 31}, Finished{"format_1_3", 31},
                                         Finished{"format_1_4", 31}),
                         [](const auto& finished) { return std::string(finished.param.name); });

// Of a service that answers /in/pieces and /whole, each with its own words.
// `clocks`: how often it read which value.
void expect_sample_journal(const std::string& name, std::map<std::int64_t, int>& clocks) {
  const auto journal = open(name);
  ASSERT_NE(journal, nullptr);
  const auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  Trailer trailer;
  ASSERT_TRUE(recorder::derive(*journal, *writer, trailer));
  ASSERT_TRUE(writer->finish(trailer));
  EXPECT_TRUE(journal->damage().empty());
  const auto reader = reader_on(disk);
  ASSERT_TRUE(reader);
  std::uint64_t pieces = 0, whole = 0;
  (*reader)->each_exchange([&](const event::Exchange& exchange) {
    if (!exchange.complete) return true;
    const bool in_pieces = exchange.target == "/in/pieces";
    ++(in_pieces ? pieces : whole);
    EXPECT_EQ(text((*reader)->request(exchange)),
              "GET " + exchange.target + " HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_TRUE(text((*reader)->response(exchange)).ends_with(in_pieces ? "an answer" : "another"));
    return true;
  });
  EXPECT_GT(pieces, 20u);
  EXPECT_GT(whole, 20u);
  EXPECT_GT((*reader)->call_count(), 20u);
  clocks.clear();
  (*reader)->each_event([&](const event::Event& event) {
    if (const auto* read = std::get_if<event::ClockRead>(&event.fact)) ++clocks[read->value_ns];
    return true;
  });
}

TEST(Golden, JournalOfFormat23) {
  std::map<std::int64_t, int> clocks;
  expect_sample_journal("journal_2_3.reprise", clocks);
  EXPECT_GT(clocks[2], 20);
}
TEST(Golden, JournalOfFormat23WithRecordsOfVersion2) {
  std::map<std::int64_t, int> clocks;
  expect_sample_journal("journal_2_3_records_2.reprise", clocks);
  EXPECT_GT(clocks[2], 20);
}
TEST(Golden, JournalOfFormat23WithRecordsOfVersion3) {
  std::map<std::int64_t, int> clocks;
  expect_sample_journal("journal_2_3_records_3.reprise", clocks);
  EXPECT_GT(clocks[2], 20);
  EXPECT_EQ(clocks[2 + 3], clocks[2]) << "read in brief";
}

}  // namespace
}  // namespace reprise::archive
