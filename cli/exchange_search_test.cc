#include "cli/exchange_search.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <set>
#include <string>

#include "archive/sample_disk.h"
#include "cli/exchange_filter.h"

namespace reprise::cli {
namespace {

using event::Bytes;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// An archive in which connection 1 is inbound and 2 outbound.
class Searched {
 public:
  Searched() : writer_(archive::writer_on(disk_)) {
    event::Connection connection;
    connection.id = {1};
    writer_->append(connection);
    connection.id = {2};
    connection.direction = event::Direction::kOutbound;
    writer_->append(connection);
  }
  void received(std::uint64_t context, std::uint64_t connection, std::uint64_t offset,
                std::string_view text) {
    append(context, event::BytesReceived{
                        .connection = {connection}, .offset = offset, .bytes = bytes(text)});
  }
  void sent(std::uint64_t context, std::uint64_t offset, std::string_view text) {
    append(context, event::SendIntended{{1}, offset, bytes(text), false});
    append(context, event::SendFinished{{1}, offset, static_cast<std::int64_t>(text.size()), 0});
  }
  void logged(std::uint64_t context, std::string_view text) {
    append(context, event::LogWritten{1, bytes(text)});
  }
  void exchange(std::uint64_t id, event::ByteRange request, event::ByteRange response) {
    event::Exchange exchange;
    exchange.id = {id};
    exchange.connection = {1};
    exchange.protocol = event::Protocol::kHttp1;
    exchange.request = request;
    exchange.response = response;
    writer_->append(exchange);
  }
  std::set<std::uint64_t> find(const std::string& text) {
    if (writer_) (void)writer_->finish({});
    writer_.reset();
    const auto reader = *archive::reader_on(disk_);
    const auto found = find_exchanges(*reader, text);
    return {found.begin(), found.end()};
  }

 private:
  template <typename Fact>
  void append(std::uint64_t context, Fact fact) {
    event::Event event;
    event.thread = {1};
    event.enter = event.exit = {stamp_ += 10};
    event.context = context == 0 ? event::Context::background() : event::Context::of({context});
    event.fact = std::move(fact);
    writer_->append(event);
  }
  std::shared_ptr<archive::MemoryDisk> disk_ = std::make_shared<archive::MemoryDisk>();
  std::unique_ptr<archive::Writer> writer_;
  std::uint64_t stamp_ = 100;
};

using Found = std::set<std::uint64_t>;

TEST(FindExchanges, InALogLineThatWasWrittenInParts) {
  Searched archive;
  archive.exchange(1, {}, {});
  archive.exchange(2, {}, {});
  archive.logged(1, "nothing here\n");
  archive.logged(2, "request 7f3");
  archive.logged(2, "a-99c1 failed\n");
  EXPECT_EQ(archive.find("7f3a-99c1"), Found{2});
}

TEST(FindExchanges, InAHeaderAcrossTwoReads) {
  Searched archive;
  archive.received(1, 1, 0, "GET / HTTP/1.1\r\nX-Request-Id: 7f");
  archive.received(1, 1, 32, "3a\r\n\r\n");
  archive.exchange(1, {0, 38}, {});
  EXPECT_EQ(archive.find("7f3a"), Found{1});
  EXPECT_EQ(archive.find("7f4a"), Found{});
}

TEST(FindExchanges, OfPipelinedRequestsTheOneThatHasIt) {
  Searched archive;
  archive.received(1, 1, 0, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  archive.exchange(1, {0, 19}, {});
  archive.exchange(2, {19, 38}, {});
  EXPECT_EQ(archive.find("/b"), Found{2});
  EXPECT_EQ(archive.find("GET"), (Found{1, 2}));
}

TEST(FindExchanges, InTheAnswerOfAnExternalCall) {
  Searched archive;
  archive.exchange(5, {}, {});
  archive.received(5, 2, 0, "declined: 7f3a");
  EXPECT_EQ(archive.find("7f3a"), Found{5});
}

TEST(FindExchanges, InABodyThatWasCompressed) {
  Searched archive;
  const std::string body = gzip("the id is 7f3a-99c1, and a good deal more text, text, text");
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body;
  archive.received(1, 1, 0, "GET / HTTP/1.1\r\n\r\n");
  archive.sent(1, 0, response);
  archive.exchange(1, {0, 18}, {0, response.size()});
  EXPECT_EQ(archive.find("7f3a-99c1"), Found{1});
  EXPECT_EQ(archive.find("7f3a-99c2"), Found{});
}

TEST(FindExchanges, InABodyCutIntoChunks) {
  Searched archive;
  const std::string response =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n7f3a\r\n5\r\n-99c1\r\n0\r\n\r\n";
  archive.received(1, 1, 0, "GET / HTTP/1.1\r\n\r\n");
  archive.sent(1, 0, response);
  archive.exchange(1, {0, 18}, {0, response.size()});
  EXPECT_EQ(archive.find("7f3a-99c1"), Found{1});
}

TEST(FindExchanges, BackgroundWorkIsNoExchange) {
  Searched archive;
  archive.exchange(1, {}, {});
  archive.logged(0, "7f3a\n");
  EXPECT_EQ(archive.find("7f3a"), Found{});
}

// --- The other filters -------------------------------------------------------------------------

std::vector<std::uint64_t> listed(const FilterOptions& options) {
  const auto reader = *archive::reader_on(archive::sample_disk({.exchanges = 20}));
  const auto filter = ExchangeFilter::make(options, *reader);
  std::vector<std::uint64_t> ids;
  if (!filter) return ids;
  reader->each_exchange([&](const event::Exchange& exchange) {
    if (filter->matches(exchange)) ids.push_back(exchange.id.value);
    return true;
  });
  return ids;
}

using Ids = std::vector<std::uint64_t>;

TEST(ExchangeFilter, StatusAsNumberClassAndPattern) {
  EXPECT_EQ(listed({.statuses = {"500"}}), (Ids{5, 10, 15, 20}));
  EXPECT_EQ(listed({.statuses = {"5xx"}}), (Ids{5, 10, 15, 20}));
  EXPECT_EQ(listed({.statuses = {"5*", "200"}}).size(), 20u);
  EXPECT_EQ(listed({.statuses = {"404"}}), Ids{});
}

TEST(ExchangeFilter, TargetAsPatternAndRegularExpression) {
  EXPECT_EQ(listed({.targets = {"/item/1?"}}).size(), 10u);
  EXPECT_EQ(listed({.target_regex = "/[37]$"}), (Ids{3, 7}));
  const auto reader = *archive::reader_on(archive::sample_disk());
  EXPECT_FALSE(ExchangeFilter::make({.target_regex = "("}, *reader));
}

TEST(ExchangeFilter, SeveralFiltersMustAllMatch) {
  EXPECT_EQ(listed({.statuses = {"500"}, .methods = {"get"}, .targets = {"/item/1*"}}),
            (Ids{10, 15}));
  EXPECT_EQ(listed({.methods = {"POST"}}), Ids{});
  EXPECT_EQ(listed({.incomplete = true}), Ids{});
  EXPECT_EQ(listed({.slower_than = std::chrono::hours(1)}), Ids{});
  EXPECT_EQ(listed({.slower_than = std::chrono::nanoseconds(1)}).size(), 20u);
  EXPECT_EQ(listed({.find = "request-id 7013 "}), Ids{13});
}

}  // namespace
}  // namespace reprise::cli
