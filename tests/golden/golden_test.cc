// Archives as earlier versions wrote them are read, event by event, as what they were.
#include <gtest/gtest.h>

#include <string>

#include "archive/reader.h"
#include "archive/sample_recording.h"

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

TEST(Golden, FinishedArchiveOfFormat10) {
  const auto reader = open("format_1_0.reprise");
  ASSERT_NE(reader, nullptr);
  ASSERT_TRUE(reader->trailer());
  EXPECT_EQ(reader->trailer()->exchanges, kExchanges);
  expect_sample(*reader, 29);
  reader->verify();
  EXPECT_TRUE(reader->damage().empty());
}

TEST(Golden, ArchiveOfFormat10WithoutAnEnd) {
  const auto reader = open("format_1_0_cut.reprise");
  ASSERT_NE(reader, nullptr);
  EXPECT_FALSE(reader->trailer());
  expect_sample(*reader, 29);
}

TEST(Golden, FinishedArchiveOfFormat11) {
  const auto reader = open("format_1_1.reprise");
  ASSERT_NE(reader, nullptr);
  ASSERT_TRUE(reader->trailer());
  expect_sample(*reader, 30);
  reader->verify();
  EXPECT_TRUE(reader->damage().empty());
}

TEST(Golden, FinishedArchiveOfFormat12) {
  const auto reader = open("format_1_2.reprise");
  ASSERT_NE(reader, nullptr);
  ASSERT_TRUE(reader->trailer());
  expect_sample(*reader, 31);
  reader->verify();
  EXPECT_TRUE(reader->damage().empty());
}

}  // namespace
}  // namespace reprise::archive
