// Exchanges: what the collector makes of bytes, whoever moved them.
#include "recorder/collector.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "recorder/testing/recorded_service.h"

namespace reprise::recorder {
namespace {

using event::Context;

constexpr abi::Cookie kListener = 1;

TEST(CollectorTest, ARequestWithItsResponseIsAnExchange) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a"));
  thread.send(10, ok("body"));
  thread.close(10);
  recorded.finish();
  ASSERT_EQ(recorded.sink.exchanges.size(), 1u);
  const event::Exchange& exchange = recorded.sink.exchange(1);
  EXPECT_TRUE(exchange.complete);
  EXPECT_EQ(exchange.method, "GET");
  EXPECT_EQ(exchange.target, "/a");
  EXPECT_EQ(exchange.status, "200");
  EXPECT_EQ(exchange.ordinal, 1u);
  EXPECT_EQ(exchange.request.size(), get("/a").size());
  EXPECT_EQ(exchange.response.size(), ok("body").size());
  EXPECT_LT(exchange.first_byte_in, exchange.first_byte_out);
  EXPECT_LT(exchange.first_byte_out, exchange.last_byte_out);
  const event::Connection& connection = recorded.sink.connections.at(exchange.connection);
  EXPECT_EQ(connection.direction, event::Direction::kInbound);
  EXPECT_EQ(connection.peer.text, "127.0.0.1:5000");
  EXPECT_EQ(connection.protocol, event::Protocol::kHttp1);
  EXPECT_NE(connection.closed.ticks, 0u);
}

TEST(CollectorTest, PipelinedRequestsInOneReadAreExchangesOfTheirOwn) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/1") + get("/2") + get("/3"));
  thread.send(10, ok("one"));
  thread.clock(1);
  thread.send(10, ok("two"));
  thread.send(10, ok("three"));
  recorded.finish();
  ASSERT_EQ(recorded.sink.exchanges.size(), 3u);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    EXPECT_EQ(recorded.sink.exchange(n).target, "/" + std::to_string(n));
    EXPECT_TRUE(recorded.sink.exchange(n).complete);
  }
  // After the first response the thread works for the second request.
  EXPECT_EQ(recorded.sink.of<event::ClockRead>()[0]->context, Context::of({2}));
}

TEST(CollectorTest, ExchangesAreNumberedByTheArrivalOfTheirFirstByte) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.accept(kListener, 11, 80, 5001);
  thread.receive(11, get("/first").substr(0, 3));
  thread.receive(10, get("/second"));
  thread.receive(11, get("/first").substr(3));
  thread.send(10, ok("2"));
  thread.send(11, ok("1"));
  recorded.finish();
  EXPECT_EQ(recorded.sink.exchange(1).target, "/first");
  EXPECT_EQ(recorded.sink.exchange(2).target, "/second");
}

TEST(CollectorTest, BytesReadByTwoThreadsAreTakenInStreamOrder) {
  RecordedService recorded;
  SyntheticThread& one = recorded.thread(0);
  SyntheticThread& two = recorded.thread(1, 0);
  const std::string request = get("/split/between/threads");
  one.accept(kListener, 10, 80, 5000);
  // The second thread tells of its bytes first.
  two.receive_at(10, 7, request.substr(7));
  one.receive_at(10, 0, request.substr(0, 7));
  one.send(10, ok("x"));
  recorded.finish();
  ASSERT_EQ(recorded.sink.exchanges.size(), 1u);
  EXPECT_TRUE(recorded.sink.exchange(1).complete);
  EXPECT_EQ(recorded.sink.exchange(1).target, "/split/between/threads");
}

TEST(CollectorTest, OnlyBytesTheSystemTookCountAsSent) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  const std::string response = ok("a body that goes out in two");
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a"));
  thread.intend(10, response);
  thread.finish_send(10, 20);
  recorded.collect();
  recorded.collector.age();
  EXPECT_TRUE(recorded.sink.exchanges.empty()) << "the response is not out yet";
  thread.intend(10, response.substr(20));
  thread.finish_send(10, -1, EAGAIN);
  thread.intend(10, response.substr(20));
  thread.finish_send(10, static_cast<std::int64_t>(response.size()) - 20);
  recorded.finish();
  EXPECT_TRUE(recorded.sink.exchange(1).complete);
  EXPECT_EQ(recorded.sink.exchange(1).response.size(), response.size());
}

TEST(CollectorTest, WhatWasAnnouncedAndThenReplacedIsNotTakenForWhatWasSent) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a"));
  thread.intend(10, ok("first thought"));
  thread.finish_send(10, -1, EAGAIN);
  thread.send(10, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  recorded.finish();
  EXPECT_FALSE(recorded.sink.exchange(1).complete);
  EXPECT_NE(recorded.sink.exchange(1).status, "200");
}

TEST(CollectorTest, AnIntentWithoutResultIsToldWhenTheServiceDies) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a"));
  thread.intend(10, ok("maybe"));
  recorded.finish();
  EXPECT_FALSE(recorded.sink.exchange(1).complete);
  EXPECT_NE(recorded.sink.exchange(1).incomplete_why.find("died while it sent"), std::string::npos);
  EXPECT_EQ(recorded.sink.of<event::SendIntended>().size(), 1u);
}

TEST(CollectorTest, ACloseEndsACloseDelimitedResponseAndAKillDoesNot) {
  for (const bool closes : {true, false}) {
    SCOPED_TRACE(closes);
    RecordedService recorded;
    SyntheticThread& thread = recorded.thread();
    thread.accept(kListener, 10, 80, 5000);
    thread.receive(10, "GET / HTTP/1.0\r\n\r\n");
    thread.send(10, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
    if (closes) thread.close(10);
    recorded.finish();
    EXPECT_EQ(recorded.sink.exchange(1).complete, closes);
  }
}

TEST(CollectorTest, AnOrderlyExitClosesWhatIsOpen) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, "GET / HTTP/1.0\r\n\r\n");
  thread.send(10, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
  thread.write(abi::RecordType::kExit, abi::Exit{0, 0});
  recorded.finish();
  EXPECT_TRUE(recorded.sink.exchange(1).complete);
  EXPECT_EQ(recorded.sink.of<event::ProcessExited>().size(), 1u);
}

TEST(CollectorTest, AnExchangeInFlightAtTheEndIsStoredAsIncomplete) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a").substr(0, 9));
  recorded.finish();
  ASSERT_EQ(recorded.sink.exchanges.size(), 1u);
  EXPECT_FALSE(recorded.sink.exchange(1).complete);
  EXPECT_EQ(recorded.sink.exchange(1).request.size(), 9u);
  EXPECT_FALSE(recorded.sink.exchange(1).incomplete_why.empty());
}

TEST(CollectorTest, AServerThatSpeaksFirstIsRecorded) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 25, 5000);
  thread.send(10, "220 hello\r\n");
  thread.receive(10, "HELO me\r\n");
  thread.send(10, "250 you\r\n");
  thread.close(10);
  recorded.finish();
  ASSERT_EQ(recorded.sink.exchanges.size(), 2u);
  EXPECT_TRUE(recorded.sink.exchange(1).request.empty());
  EXPECT_EQ(recorded.sink.exchange(1).response.size(), 11u);
  EXPECT_EQ(recorded.sink.exchange(2).protocol, event::Protocol::kOpaque);
  EXPECT_TRUE(recorded.sink.exchange(1).complete);
  EXPECT_TRUE(recorded.sink.exchange(2).complete);
}

// --- Losses --------------------------------------------------------------------------------------

TEST(CollectorLossTest, AGapMarksWhatWasOpenAndTheConnectionGoesOnBehindIt) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/whole"));
  thread.send(10, ok("1"));
  thread.receive(10, get("/cut"));
  // The response, and the next request with its response, are dropped.
  recorded.service.offsets(10).out += ok("2").size() + ok("3").size();
  recorded.service.offsets(10).in += get("/lost").size();
  thread.gap(4);
  thread.receive(10, get("/behind"));
  thread.send(10, ok("4"));
  thread.receive(10, get("/after"));
  thread.send(10, ok("5"));
  recorded.finish();
  std::map<std::string, bool> complete;
  for (const auto& [id, exchange] : recorded.sink.exchanges) {
    complete[exchange.target] = exchange.complete;
    EXPECT_EQ(exchange.complete, exchange.incomplete_why.empty());
  }
  EXPECT_TRUE(complete.at("/whole"));
  EXPECT_FALSE(complete.at("/cut"));
  EXPECT_FALSE(complete.count("/behind") != 0 && complete.at("/behind"));
  EXPECT_TRUE(complete.at("/after")) << "the stream is whole again where the client next speaks";
  ASSERT_EQ(recorded.sink.of<event::Gap>().size(), 1u);
  EXPECT_EQ(recorded.collector.gaps().dropped, 4u);
}

TEST(CollectorLossTest, AGapOfOneThreadLeavesTheExchangesOfOthersAlone) {
  RecordedService recorded;
  SyntheticThread& one = recorded.thread(0);
  SyntheticThread& two = recorded.thread(1, 0);
  one.accept(kListener, 10, 80, 5000);
  two.accept(kListener, 11, 80, 5001);
  one.receive(10, get("/one"));
  two.receive(11, get("/two"));
  one.gap(3);
  one.send(10, ok("1"));
  two.send(11, ok("2"));
  recorded.finish();
  EXPECT_FALSE(recorded.sink.exchange(1).complete);
  EXPECT_NE(recorded.sink.exchange(1).incomplete_why.find("3 records"), std::string::npos);
  EXPECT_TRUE(recorded.sink.exchange(2).complete);
}

TEST(CollectorLossTest, AnAnswerWhoseRequestMayBeLostIsNotOneGivenUnasked) {
  RecordedService recorded;
  SyntheticThread& acceptor = recorded.thread(0);
  SyntheticThread& worker = recorded.thread(1, 0);
  worker.connect(30, 6000, 8080);
  acceptor.accept(kListener, 10, 80, 5000);
  worker.gap(1);  // it read the request, and sent one of its own
  worker.send(10, ok("1"));
  worker.receive(30, ok("2"));
  recorded.finish();
  EXPECT_TRUE(recorded.sink.exchange(1).request.empty());
  EXPECT_FALSE(recorded.sink.exchange(1).complete);
  EXPECT_NE(recorded.sink.exchange(1).incomplete_why.find("its request"), std::string::npos);
  EXPECT_FALSE(recorded.sink.call(1).complete);
}

TEST(CollectorLossTest, AHoleThatIsNeverFilledIsALossAfterAWhile) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a").substr(0, 5));
  thread.receive_at(10, 50, "the rest");
  recorded.collect();
  EXPECT_TRUE(recorded.sink.exchanges.empty());
  recorded.service.stamp += 2'000'000;  // two seconds
  recorded.collector.age();
  ASSERT_EQ(recorded.sink.exchanges.size(), 1u);
  EXPECT_NE(recorded.sink.exchange(1).incomplete_why.find("45 bytes"), std::string::npos);
}

TEST(CollectorLossTest, TwoProcessesCountingTheSameStreamAreNotMixed) {
  RecordedService recorded;
  SyntheticThread& parent = recorded.thread();
  parent.accept(kListener, 10, 80, 5000);
  parent.receive(10, get("/a"));
  parent.send(10, ok("1"));
  SyntheticThread& child =
      recorded.service.add_thread(recorded.service.add_process(recorded.process, 1));
  child.receive_at(10, 5, get("/b"));
  child.send(10, ok("2"));
  recorded.finish();
  EXPECT_TRUE(recorded.sink.exchange(1).complete);
  for (const auto& [id, exchange] : recorded.sink.exchanges) {
    EXPECT_EQ(exchange.complete, id.value == 1);
  }
}

TEST(CollectorLossTest, AConnectionWhoseAcceptWasLostIsFollowedFromWhereItIsSeen) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.receive_at(10, 500, "the end of a request");
  thread.send(10, ok("1"));
  thread.receive(10, get("/next"));
  thread.send(10, ok("2"));
  recorded.finish();
  ASSERT_GE(recorded.sink.exchanges.size(), 1u);
  const event::Exchange& last = recorded.sink.exchanges.rbegin()->second;
  EXPECT_EQ(last.target, "/next");
  EXPECT_TRUE(last.complete);
  EXPECT_EQ(last.request.begin, 520u);
}

TEST(CollectorLossTest, DamagedRecordsAreGapsAndTheRestIsRead) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.write(static_cast<abi::RecordType>(200), NoBody{});
  thread.write(abi::RecordType::kBytesIn, NoBody{});  // too short for its body
  thread.receive(10, get("/a"));
  thread.send(10, ok("1"));
  recorded.finish();
  EXPECT_EQ(recorded.sink.of<event::Gap>().size(), 2u);
  EXPECT_EQ(recorded.sink.exchanges.size(), 1u);
}

// --- Connections ---------------------------------------------------------------------------------

TEST(CollectorConnectionTest, AConnectionStaysOpenUntilTheLastProcessClosesIt) {
  RecordedService recorded;
  SyntheticThread& parent = recorded.thread();
  parent.accept(kListener, 10, 80, 5000);
  const std::uint32_t child_slot = recorded.service.add_process(recorded.process, 1);
  parent.write(abi::RecordType::kFork, abi::Fork{recorded.service.tick(), child_slot, 1, -1, 0});
  parent.close(10);
  SyntheticThread& child = recorded.service.add_thread(child_slot);
  child.receive(10, "GET / HTTP/1.0\r\n\r\n");
  child.send(10, "HTTP/1.0 200 OK\r\n\r\nfrom the child");
  child.close(10);
  recorded.finish();
  ASSERT_EQ(recorded.sink.exchanges.size(), 1u);
  EXPECT_TRUE(recorded.sink.exchange(1).complete);
  EXPECT_EQ(recorded.sink.exchange(1).process.value, 2u);
  EXPECT_EQ(recorded.sink.of<event::ProcessForked>()[0]->fact.index(),
            event::Fact(event::ProcessForked{}).index());
  EXPECT_EQ(std::get<event::ProcessForked>(recorded.sink.of<event::ProcessForked>()[0]->fact).child,
            event::ProcessId{2});
}

// What posix_spawn makes has no slot before it loads the agent; its maker told of it before.
TEST(CollectorConnectionTest, ASpawnedProgramWorksForWhomeverItWasStarted) {
  RecordedService recorded;
  SyntheticThread& parent = recorded.thread();
  parent.accept(kListener, 10, 80, 5000);
  parent.receive(10, get("/a"));
  parent.write(abi::RecordType::kFork, abi::Fork{recorded.service.tick(), abi::kNone, 1, 0, 0});
  const std::uint32_t child_slot = recorded.service.add_process(recorded.process, 1);
  SyntheticThread& child = recorded.service.add_thread(child_slot);
  child.write(abi::RecordType::kThreadStart, abi::ThreadStart{0, abi::kNone, 0, 0});
  child.connect(30, 6000, 8080);
  child.send(30, get("/up"));
  child.receive(30, ok("x"));
  parent.send(10, ok("1"));
  const std::uint32_t other_slot = recorded.service.add_process(recorded.process, 2);
  SyntheticThread& other = recorded.service.add_thread(other_slot);
  other.write(abi::RecordType::kThreadStart, abi::ThreadStart{0, abi::kNone, 0, 0});
  other.connect(31, 6001, 8080);  // the control: of this one nobody told
  other.send(31, get("/up"));
  other.receive(31, ok("x"));
  recorded.finish();
  EXPECT_EQ(recorded.sink.call(1).context, event::Context::of({1}));
  EXPECT_EQ(recorded.sink.call(2).context, event::Context::background());
}

TEST(CollectorConnectionTest, BothEndsInsideTheServiceAreInternalAndNoExchange) {
  for (const bool accepted_first : {true, false}) {
    SCOPED_TRACE(accepted_first);
    RecordedService recorded;
    SyntheticThread& server = recorded.thread(0);
    SyntheticThread& client = recorded.thread(1, 0);
    if (accepted_first) server.accept(kListener, 20, 80, 6000);
    client.connect(21, 6000, 80);
    if (!accepted_first) server.accept(kListener, 20, 80, 6000);
    client.send(21, get("/inside"));
    server.receive(20, get("/inside"));
    server.send(20, ok("x"));
    client.receive(21, ok("x"));
    recorded.finish();
    EXPECT_TRUE(recorded.sink.exchanges.empty());
    EXPECT_TRUE(recorded.sink.calls.empty());
    int internal = 0;
    for (const auto& [id, connection] : recorded.sink.connections) internal += connection.internal;
    EXPECT_EQ(internal, 2);
  }
}

TEST(CollectorConnectionTest, WorkIsCarriedThroughAnInternalConnection) {
  RecordedService recorded;
  SyntheticThread& front = recorded.thread(0);
  SyntheticThread& back = recorded.thread(1, 0);
  back.accept(kListener, 20, 81, 6000);
  front.connect(21, 6000, 81);
  front.accept(kListener, 10, 80, 5000);
  front.receive(10, get("/a"));
  front.send(21, "do it");
  back.receive(20, "do it");
  back.connect(30, 6001, 6379);
  back.send(30, "*1\r\n$4\r\nPING\r\n");
  back.receive(30, "+PONG\r\n");
  recorded.finish();
  ASSERT_EQ(recorded.sink.calls.size(), 1u);
  EXPECT_EQ(recorded.sink.call(1).context, Context::of({1}));
}

TEST(CollectorConnectionTest, PeersAreNamedAsTheServiceLookedThemUp) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  abi::Lookup lookup{};
  lookup.exit = recorded.service.tick();
  lookup.count = 1;
  abi::LookupAddress result{};
  result.address = loopback(8080);
  std::string tail = std::string("payments") + '\0' + "8080" + '\0';
  tail.append(reinterpret_cast<const char*>(&result), sizeof result);
  thread.write(abi::RecordType::kLookup, lookup, tail);
  thread.connect(30, 6000, 8080);
  thread.send(30, get("/charge"));
  thread.receive(30, ok("x"));
  thread.connect(31, 6001, 6379);  // same host, another service
  thread.send(31, "*1\r\n$4\r\nPING\r\n");
  thread.receive(31, "+PONG\r\n");
  recorded.finish();
  EXPECT_EQ(recorded.sink.call(1).peer, "payments:8080");
  EXPECT_EQ(recorded.sink.call(2).peer, "127.0.0.1:6379");
}

TEST(CollectorConnectionTest, MemoryOfClosedConnectionsAndFinishedExchangesIsUsedAgain) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  for (std::uint64_t n = 0; n < 2'000; ++n) {
    thread.accept(kListener, 100 + n, 80, static_cast<std::uint16_t>(1024 + n));
    thread.receive(100 + n, get("/a"));
    thread.send(100 + n, ok("1"));
    thread.close(100 + n);
    if (n % 20 == 0) {
      recorded.collect();
      recorded.drain.settle();
      recorded.collector.settled();
      EXPECT_LE(recorded.collector.open_connections(), 1u);
    }
  }
  recorded.finish();
  EXPECT_EQ(recorded.sink.exchanges.size(), 2'000u);
  EXPECT_LE(recorded.collector.exchange_places(), 100u);
}

TEST(CollectorConnectionTest, AFileThatChangedIsAGapAndAnIncompleteExchange) {
  RecordedService recorded;
  SyntheticThread& thread = recorded.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/file"));
  thread.send(10, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  abi::FileRange range{};
  range.socket = 10;
  range.offset = recorded.service.offsets(10).out;
  range.inode = 1;  // not the file's
  range.length = 100;
  recorded.service.offsets(10).intended = range.offset;
  thread.write(abi::RecordType::kFileRange, range, "/etc/passwd");
  thread.finish_send(10, 100);
  recorded.finish();
  ASSERT_EQ(recorded.sink.of<event::Gap>().size(), 1u);
  EXPECT_FALSE(recorded.sink.exchange(1).complete);
  EXPECT_NE(recorded.sink.exchange(1).incomplete_why.find("/etc/passwd changed"),
            std::string::npos);
  const auto ranges = recorded.sink.of<event::FileRangeSent>();
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_FALSE(std::get<event::FileRangeSent>(ranges[0]->fact).content.has_value());
}

}  // namespace
}  // namespace reprise::recorder
