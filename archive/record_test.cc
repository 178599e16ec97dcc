#include "archive/record.h"

#include <gtest/gtest.h>

#include "archive/block.h"
#include "archive/event_serialization.h"
#include "archive/little_endian.h"
#include "archive/record_archive.h"
#include "archive/sample_recording.h"

namespace reprise::archive {
namespace {

constexpr std::uint64_t kBase = 1'000'000;
constexpr Coding kCoding{kBase, kMinorVersion};

// --- No field is forgotten ---------------------------------------------------------------------

// Becomes whatever a field is, so that an aggregate can be built from as many as it has fields.
struct AnyField {
  template <typename T>
  operator T() const;
};

template <typename T, typename... Fields>
constexpr std::size_t field_count() {
  if constexpr (requires { T{Fields{}..., AnyField{}}; }) {
    return field_count<T, Fields..., AnyField>();
  } else {
    return sizeof...(Fields);
  }
}

// Counts what a serialize function writes.
struct CountingArchive {
  std::size_t fields = 0;
  template <typename T>
  CountingArchive& operator&(T&&) {
    ++fields;
    return *this;
  }
};

template <typename T>
void expect_all_fields() {
  CountingArchive archive;
  T value;
  serialize(archive, value, kMinorVersion);
  EXPECT_EQ(archive.fields, field_count<T>()) << typeid(T).name();
}

TEST(EventSerialization, WritesEveryFieldOfEveryStructure) {
  expect_all_fields<event::Address>();
  expect_all_fields<event::ProcessStarted>();
  expect_all_fields<event::ModuleLoaded>();
  expect_all_fields<event::ProcessForked>();
  expect_all_fields<event::ProgramExecuted>();
  expect_all_fields<event::ProcessExited>();
  expect_all_fields<event::SignalReceived>();
  expect_all_fields<event::ThreadStarted>();
  expect_all_fields<event::ThreadEnded>();
  expect_all_fields<event::HandedOff>();
  expect_all_fields<event::Listened>();
  expect_all_fields<event::Accepted>();
  expect_all_fields<event::Connected>();
  expect_all_fields<event::ConnectFinished>();
  expect_all_fields<event::Paired>();
  expect_all_fields<event::ShutDown>();
  expect_all_fields<event::Closed>();
  expect_all_fields<event::BytesReceived>();
  expect_all_fields<event::TlsNegotiated>();
  expect_all_fields<event::SendIntended>();
  expect_all_fields<event::SendFinished>();
  expect_all_fields<event::Ready>();
  expect_all_fields<event::Waited>();
  expect_all_fields<event::ClockRead>();
  expect_all_fields<event::RandomDrawn>();
  expect_all_fields<event::LookupAddress>();
  expect_all_fields<event::LookedUp>();
  expect_all_fields<event::CallAnnotated>();
  expect_all_fields<event::EntryPassed>();
  expect_all_fields<event::LogWritten>();
  expect_all_fields<event::Gap>();
  expect_all_fields<event::LeakSeen>();
  expect_all_fields<event::Event>();
  expect_all_fields<event::Connection>();
  expect_all_fields<event::Exchange>();
  expect_all_fields<event::Call>();
  expect_all_fields<Header>();
  expect_all_fields<Trailer>();
  expect_all_fields<ContentChunk>();
  expect_all_fields<TableRoots>();
  // AnyField is ambiguous for std::optional, the last field.
  CountingArchive archive;
  event::FileRangeSent file;
  serialize(archive, file, kMinorVersion);
  EXPECT_EQ(archive.fields, 10u);
}

TEST(EventSerialization, SampleHasEveryKindOfFact) {
  const auto events = one_of_each_fact();
  ASSERT_EQ(events.size(), std::variant_size_v<event::Fact>);
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].fact.index(), i);
}

// --- Coding ------------------------------------------------------------------------------------

template <typename Record>
ByteBuffer encoded(const Record& record, std::uint64_t base = kBase) {
  ByteBuffer payload;
  store_le(payload.reserve(kPayloadBaseBytes), base);
  payload.commit(kPayloadBaseBytes);
  encode(record, base, payload);
  return payload;
}

std::vector<std::uint8_t> copy(const ByteBuffer& buffer) {
  return {buffer.view().begin(), buffer.view().end()};
}

RawRecord first_record(const ByteBuffer& payload) { return *RecordCursor(payload.view()).next(); }

TEST(Record, EveryFactComesBackAsItWas) {
  for (const event::Event& event : one_of_each_fact()) {
    const ByteBuffer payload = encoded(event);
    event::Event back;
    back.context = event::Context::of({99});
    ASSERT_TRUE(decode(first_record(payload), kCoding, back)) << event.fact.index();
    EXPECT_EQ(back.fact.index(), event.fact.index());
    EXPECT_EQ(back.enter, event.enter);
    EXPECT_EQ(back.exit, event.exit);
    EXPECT_EQ(back.context, event.context);
    EXPECT_EQ(copy(encoded(back)), copy(payload)) << event.fact.index();
  }
}

TEST(Record, StampsBeforeTheBaseAndFarFromItSurvive) {
  for (const std::uint64_t ticks : {std::uint64_t{0}, kBase - 1, kBase, ~std::uint64_t{0}}) {
    event::Event event;
    event.enter = {ticks};
    event::Event back;
    ASSERT_TRUE(decode(first_record(encoded(event)), kCoding, back));
    EXPECT_EQ(back.enter.ticks, ticks);
  }
}

TEST(Record, SmallEventTakesFewBytes) {
  event::Event event;
  event.process = {1};
  event.thread = {3};
  event.position = 1000;
  event.enter = {kBase + 100'000};
  event.exit = {kBase + 100'050};
  event.context = event::Context::of({1234});
  event.fact = event::ClockRead{.source = 1, .value_ns = 123'456'789'012, .caller = 0x55550000};
  EXPECT_LE(encoded(event).size() - kPayloadBaseBytes, 40u);
}

// --- Untrusted input ---------------------------------------------------------------------------

TEST(Record, CutShortAnywhereIsAnErrorAndNotACrash) {
  for (const event::Event& event : one_of_each_fact()) {
    const ByteBuffer payload = encoded(event);
    RawRecord record = first_record(payload);
    const auto body = record.body;
    for (std::size_t length = 0; length < body.size(); ++length) {
      record.body = body.first(length);
      event::Event back;
      EXPECT_FALSE(decode(record, kCoding, back)) << event.fact.index() << " at " << length;
    }
  }
}

TEST(Record, LongerThanItsFieldsIsAnErrorInAKnownVersion) {
  ByteBuffer payload = encoded(event::Exchange{});
  std::vector<std::uint8_t> body(first_record(payload).body.begin(),
                                 first_record(payload).body.end());
  body.push_back(0);
  event::Exchange back;
  RawRecord record{RecordTag::kExchange, 8, body};
  EXPECT_FALSE(decode(record, kCoding, back));
}

TEST(Record, TrailingFieldsOfANewerMinorVersionAreSkipped) {
  event::Exchange exchange;
  exchange.target = "/a";
  const ByteBuffer payload = encoded(exchange);
  std::vector<std::uint8_t> body(first_record(payload).body.begin(),
                                 first_record(payload).body.end());
  body.insert(body.end(), {1, 2, 3});
  event::Exchange back;
  const Coding newer{kBase, kMinorVersion + 1};
  ASSERT_TRUE(decode(RawRecord{RecordTag::kExchange, 8, body}, newer, back));
  EXPECT_EQ(back.target, "/a");
}

// An event whose fact has a tag of the future.
std::vector<std::uint8_t> event_with_fact_tag(std::uint8_t tag) {
  event::Event event;
  event.position = 5;
  event.fact = event::ThreadEnded{};
  const ByteBuffer payload = encoded(event);
  std::vector<std::uint8_t> body(first_record(payload).body.begin(),
                                 first_record(payload).body.end());
  body.back() = tag;
  body.insert(body.end(), {9, 9});
  return body;
}

TEST(Record, FactOfANewerMinorVersionBecomesAGapThatNamesIt) {
  const std::vector<std::uint8_t> body = event_with_fact_tag(200);
  event::Event back;
  const Coding newer{kBase, kMinorVersion + 1};
  ASSERT_TRUE(decode(RawRecord{RecordTag::kEvent, 8, body}, newer, back));
  EXPECT_EQ(back.position, 5u);
  const auto* gap = std::get_if<event::Gap>(&back.fact);
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->records, 1u);
  EXPECT_NE(gap->reason.find("200"), std::string::npos);
}

TEST(Record, ProtocolOfANewerMinorVersionIsUnknownAndTheExchangeStays) {
  event::Exchange exchange;
  exchange.target = "/a";
  exchange.protocol = static_cast<event::Protocol>(100);
  const ByteBuffer payload = encoded(exchange);
  event::Exchange back;
  EXPECT_FALSE(decode(first_record(payload), kCoding, back));
  ASSERT_TRUE(decode(first_record(payload), Coding{kBase, kMinorVersion + 1}, back));
  EXPECT_EQ(back.protocol, event::Protocol::kUnknown);
  EXPECT_EQ(back.target, "/a");
}

TEST(Record, UnknownFactInAKnownVersionIsAnError) {
  const std::vector<std::uint8_t> body = event_with_fact_tag(200);
  event::Event back;
  EXPECT_FALSE(decode(RawRecord{RecordTag::kEvent, 8, body}, kCoding, back));
}

// A length or count of 2^63 with nothing behind it.
TEST(Record, HugeCountsAllocateNothing) {
  const std::vector<std::uint8_t> huge = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
  InputArchive text(huge, 0, 0);
  std::string string;
  EXPECT_THROW(text >> string, Malformed);
  InputArchive list(huge, 0, 0);
  std::vector<event::LookupAddress> addresses;
  EXPECT_THROW(list >> addresses, Malformed);
  EXPECT_EQ(addresses.capacity(), 0u);
}

TEST(Record, MoreElementsThanTheFormatAllowsAreAnError) {
  std::vector<std::uint8_t> many = {0x81, 0x80, 0x40};  // kMaxElements + 1
  many.resize(many.size() + kMaxElements + 1, 0);
  InputArchive archive(many, 0, 0);
  std::vector<std::string> strings;
  EXPECT_THROW(archive >> strings, Malformed);
}

TEST(Record, NumbersBeyondTheirTypeAreErrors) {
  const auto load = [](std::vector<std::uint8_t> bytes, auto value) {
    InputArchive archive(bytes, 0, 0);
    archive >> value;
  };
  EXPECT_THROW(load({0x80, 0x80, 0x80, 0x80, 0x10}, std::uint32_t{}), Malformed);
  EXPECT_THROW(load({0x80, 0x80, 0x80, 0x80, 0x10}, std::int32_t{}), Malformed);
  EXPECT_THROW(load({2}, bool{}), Malformed);
  EXPECT_THROW(load(std::vector<std::uint8_t>(11, 0x80), std::uint64_t{}), Malformed);
  EXPECT_THROW(load({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, std::uint64_t{}),
               Malformed);
}

TEST(RecordCursor, LengthBeyondThePayloadIsMalformedAndEndsIt) {
  ByteBuffer payload = encoded(event::Exchange{});
  store_le(payload.data() + kPayloadBaseBytes, std::uint32_t{0xffff'ffff});
  RecordCursor cursor(payload.view());
  EXPECT_FALSE(cursor.next());
  EXPECT_TRUE(cursor.malformed());
}

TEST(RecordCursor, SeekBeyondThePayloadFindsNothing) {
  const ByteBuffer payload = encoded(event::Exchange{});
  RecordCursor cursor(payload.view());
  cursor.seek(0xffff'fff0);
  EXPECT_FALSE(cursor.next());
  EXPECT_TRUE(cursor.malformed());
}

TEST(RecordCursor, PayloadWithoutABaseIsMalformed) {
  const std::vector<std::uint8_t> bytes = {1, 2, 3};
  RecordCursor cursor(bytes);
  EXPECT_FALSE(cursor.next());
  EXPECT_TRUE(cursor.malformed());
}

}  // namespace
}  // namespace reprise::archive
