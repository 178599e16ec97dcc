#include "archive/reader.h"

#include <gtest/gtest.h>

#include <fstream>

#include "archive/block.h"
#include "archive/little_endian.h"
#include "archive/sample_disk.h"

namespace reprise::archive {
namespace {

// Both ways to find things: the stored index, and a scan.
class ReaderOfSample : public testing::TestWithParam<bool> {
 protected:
  static constexpr std::uint64_t kExchanges = 2500;  // more than two pages of an index table
  std::shared_ptr<MemoryDisk> disk_ =
      sample_disk({.exchanges = kExchanges, .flush_every = 100}, GetParam());
  std::unique_ptr<Reader> reader_ = *reader_on(disk_);
};
INSTANTIATE_TEST_SUITE_P(IndexedAndScanned, ReaderOfSample, testing::Bool(),
                         [](const auto& way) { return way.param ? "Indexed" : "Scanned"; });

TEST_P(ReaderOfSample, OpensAnyExchange) {
  EXPECT_EQ(reader_->exchange_count(), kExchanges);
  for (const std::uint64_t id : {1, 2, 1024, 1025, 2048, 2500}) {
    const auto exchange = reader_->exchange({id});
    ASSERT_TRUE(exchange) << id;
    EXPECT_EQ(exchange->target, "/item/" + std::to_string(id));
    EXPECT_TRUE(exchange->complete);  // the last version of two
    EXPECT_EQ(text_of(reader_->request(*exchange)), sample_request(id));
    EXPECT_EQ(text_of(reader_->response(*exchange)), sample_response(id));
  }
}

TEST_P(ReaderOfSample, FindsTheCallsOfAnExchange) {
  const auto calls = reader_->calls(event::Context::of({777}));
  ASSERT_TRUE(calls);
  ASSERT_EQ(calls->size(), 1u);
  const event::Call& call = calls->front();
  EXPECT_EQ(call.id.value, 777u);
  EXPECT_EQ(text_of(reader_->request(call)), sample_call_request(777));
  EXPECT_EQ(text_of(reader_->response(call)), sample_call_response(777));
  EXPECT_TRUE(reader_->calls(event::Context::background())->empty());
}

TEST_P(ReaderOfSample, EventsOfAnExchangeAreThoseOfItsContext) {
  std::uint64_t count = 0;
  std::string log;
  reader_->each_event_of({1500}, [&](const event::Event& event) {
    EXPECT_EQ(event.context, event::Context::of({1500}));
    if (const auto* line = std::get_if<event::LogWritten>(&event.fact)) {
      log.assign(line->bytes.begin(), line->bytes.end());
    }
    ++count;
    return true;
  });
  EXPECT_EQ(count, kSampleEventsPerExchange);
  EXPECT_EQ(log, sample_log(1500));
}

TEST_P(ReaderOfSample, VisitsEverythingInOrderAndStopsWhenTold) {
  std::uint64_t next = 1;
  reader_->each_exchange([&](const event::Exchange& exchange) {
    EXPECT_EQ(exchange.id.value, next++);
    return next <= 2000;
  });
  EXPECT_EQ(next, 2001u);
  next = 1;
  reader_->each_call([&](const event::Call& call) {
    EXPECT_EQ(call.id.value, next++);
    return true;
  });
  EXPECT_EQ(next, kExchanges + 1);
  std::uint64_t connections = 0, events = 0;
  reader_->each_connection([&](const event::Connection&) { return ++connections, true; });
  EXPECT_EQ(connections, 4u);
  reader_->each_event([&](const event::Event&) { return ++events < 500; });
  EXPECT_EQ(events, 500u);
}

TEST_P(ReaderOfSample, SaysHowManyExchangesThereAre) {
  const auto none = reader_->exchange({2501});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Error::Kind::kNoSuchExchange);
  EXPECT_NE(none.error().message.find("2500"), std::string::npos);
  EXPECT_FALSE(reader_->exchange({0}));
  EXPECT_FALSE(reader_->exchange({~std::uint64_t{0}}));
  EXPECT_FALSE(reader_->calls(event::Context::of({2501})));
}

TEST_P(ReaderOfSample, MissingBytesAreAnErrorWithTheirPlace) {
  const auto bytes = reader_->bytes({1}, false, {1'000'000, 1'000'010});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, Error::Kind::kDamaged);
  EXPECT_NE(bytes.error().message.find("1000000"), std::string::npos);
  EXPECT_FALSE(reader_->bytes({99999}, true, {0, 1}));
  EXPECT_EQ(text_of(reader_->bytes({1}, true, {5, 5})), "");
}

TEST_P(ReaderOfSample, WrongHintCostsTimeAndNothingElse) {
  const auto exchange = *reader_->exchange({3});
  EXPECT_EQ(text_of(reader_->bytes(exchange.connection, false, exchange.request,
                                   event::Stamp{~std::uint64_t{0}})),
            sample_request(3));
}

TEST_P(ReaderOfSample, HeaderTellsTime) {
  const Header& header = reader_->header();
  EXPECT_EQ(header.command, sample_header().command);
  const auto exchange = *reader_->exchange({1});
  EXPECT_GT(header.unix_time(exchange.first_byte_in).value, header.realtime_epoch_ns);
  EXPECT_EQ(header.nanoseconds({100}, {350}), 250);
  EXPECT_EQ(header.nanoseconds({350}, {100}), -250);
}

TEST(Header, ClockWithoutARateTellsNoTime) {
  Header header;
  EXPECT_EQ(header.nanoseconds({1}, {2}), 0);
  header.stamps_per_second = 1;
  EXPECT_EQ(header.nanoseconds({0}, {~std::uint64_t{0}}), INT64_MAX);
  header.realtime_epoch_ns = INT64_MAX;
  EXPECT_EQ(header.unix_time({~std::uint64_t{0}}).value, INT64_MAX);
}

TEST(Reader, IndexIsSmallBesideTheBlocks) {
  const auto with = sample_disk({.exchanges = 2000}),
             without = sample_disk({.exchanges = 2000}, false);
  EXPECT_LT(with->bytes.size() - without->bytes.size(), 2000u * 100);
}

// Reads of a file, counted.
class CountingFile final : public InputFile {
 public:
  CountingFile(std::shared_ptr<MemoryDisk> disk, std::uint64_t& bytes_read)
      : file_(std::move(disk)), bytes_read_(bytes_read) {}
  const std::string& path() const override { return file_.path(); }
  std::uint64_t size() const override { return file_.size(); }
  std::size_t read_at(std::uint64_t offset, std::span<std::uint8_t> bytes) override {
    const std::size_t count = file_.read_at(offset, bytes);
    bytes_read_ += count;
    return count;
  }
  int last_error() const override { return 0; }

 private:
  MemoryFile file_;
  std::uint64_t& bytes_read_;
};

TEST(Reader, OpensOneExchangeWithoutReadingTheRest) {
  const auto disk = sample_disk({.exchanges = 30'000, .flush_every = 500});
  std::uint64_t bytes_read = 0;
  const auto reader = *Reader::open(std::make_unique<CountingFile>(disk, bytes_read));
  const auto exchange = *reader->exchange({15'000});
  EXPECT_EQ(text_of(reader->response(exchange)), sample_response(15'000));
  ASSERT_TRUE(reader->calls(event::Context::of({15'000})));
  std::uint64_t events = 0;
  reader->each_event_of({15'000}, [&](const event::Event&) { return ++events, true; });
  EXPECT_EQ(events, kSampleEventsPerExchange);
  EXPECT_GT(disk->bytes.size(), 2'000'000u);
  EXPECT_LT(bytes_read, disk->bytes.size() / 4);
}

TEST(Reader, OneReadWithSeveralRequestsIsAnEventOfEachExchange) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk);
  event::Connection connection;
  connection.id = {1};
  writer->append(connection);
  event::Event event;
  event.enter = {100};
  event.exit = {110};
  event.context = event::Context::of({1});
  event.fact = event::BytesReceived{.connection = {1}, .bytes = {'a', 'b'}};
  writer->append(event);
  // Blocks of other work in between.
  for (std::uint64_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(writer->flush());
    event.enter = event.exit = {200 + i};
    event.context = event::Context::background();
    event.fact = event::ThreadEnded{};
    writer->append(event);
  }
  event.enter = event.exit = {300};
  event.context = event::Context::of({2});
  event.fact = event::ClockRead{};
  writer->append(event);
  for (std::uint64_t id = 1; id <= 2; ++id) {
    event::Exchange exchange;
    exchange.id = {id};
    exchange.connection = {1};
    exchange.request = {id - 1, id};
    exchange.first_byte_in = exchange.last_byte_in = {110};
    writer->append(exchange);
  }
  ASSERT_TRUE(writer->finish({}));
  const auto reader = *reader_on(disk);
  std::vector<std::size_t> facts;
  reader->each_event_of({2}, [&](const event::Event& one) {
    facts.push_back(one.fact.index());
    return true;
  });
  EXPECT_EQ(facts, (std::vector<std::size_t>{event::Fact(event::BytesReceived{}).index(),
                                             event::Fact(event::ClockRead{}).index()}));
}

// --- What is no archive, or not one for us -----------------------------------------------------

Error::Kind kind_of(std::vector<std::uint8_t> bytes) {
  auto disk = std::make_shared<MemoryDisk>();
  disk->bytes = std::move(bytes);
  const auto reader = reader_on(disk);
  return reader ? Error::Kind::kIo : reader.error().kind;
}

TEST(Reader, TellsWhatIsNoArchive) {
  EXPECT_EQ(kind_of({}), Error::Kind::kNotAnArchive);
  EXPECT_EQ(kind_of({1, 2, 3}), Error::Kind::kNotAnArchive);
  EXPECT_EQ(kind_of(std::vector<std::uint8_t>(100'000, 'x')), Error::Kind::kNotAnArchive);
  EXPECT_EQ(Reader::open("/").error().kind, Error::Kind::kNotAnArchive);
  EXPECT_EQ(Reader::open("/dev/null").error().kind, Error::Kind::kNotAnArchive);
  EXPECT_EQ(Reader::open(testing::TempDir() + "none").error().kind, Error::Kind::kNotFound);
}

TEST(Reader, FragmentOfAnArchiveIsDamaged) {
  auto bytes = sample_disk()->bytes;
  bytes.resize(100);
  EXPECT_EQ(kind_of(bytes), Error::Kind::kDamaged);
  bytes.resize(3);
  EXPECT_EQ(kind_of(bytes), Error::Kind::kDamaged);
}

TEST(Reader, NewerMajorFormatIsRefusedWithItsNumber) {
  auto disk = sample_disk();
  store_le(disk->bytes.data() + 8, std::uint16_t{kJournalMajorVersion + 1});
  store_le(disk->bytes.data() + 10, std::uint16_t{3});
  store_le(disk->bytes.data() + 64, header_checksum(disk->bytes.data()));
  const auto reader = reader_on(disk);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, Error::Kind::kNewerFormat);
  EXPECT_NE(reader.error().message.find(std::to_string(kJournalMajorVersion + 1) + "."),
            std::string::npos);
}

}  // namespace
}  // namespace reprise::archive
