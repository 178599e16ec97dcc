// Whose work it is: the turn rule, by the patterns of real services.
#include "recorder/attribution.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "recorder/testing/recorded_service.h"

namespace reprise::recorder {
namespace {

using event::Context;

constexpr abi::Cookie kListener = 1;
const std::string kPing = "*1\r\n$4\r\nPING\r\n";
const std::string kPong = "+PONG\r\n";
const std::string kHead = "POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n";

class AttributionTest : public testing::Test {
 protected:
  RecordedService recorded_;
  CollectedSink& sink_ = recorded_.sink;

  Context clock_context(std::size_t which) {
    return sink_.of<event::ClockRead>().at(which)->context;
  }
};

TEST_F(AttributionTest, ABlockingThreadWorksForWhatItReadLast) {
  SyntheticThread& thread = recorded_.thread();
  thread.clock(0);
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a"));
  thread.clock(1);
  thread.connect(30, 6000, 6379);
  thread.send(30, kPing);
  thread.receive(30, kPong);
  thread.clock(2);
  thread.send(10, ok("1"));
  thread.clock(3);  // logging, after the response
  thread.receive(10, get("/b"));
  thread.clock(4);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::background());
  EXPECT_EQ(clock_context(1), Context::of({1}));
  EXPECT_EQ(clock_context(2), Context::of({1}));
  EXPECT_EQ(clock_context(3), Context::of({1}));
  EXPECT_EQ(clock_context(4), Context::of({2}));
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_EQ(sink_.exchange(1).calls, 1u);
  EXPECT_EQ(sink_.exchange(1).draws, 3u);
}

// A client library polls its own socket while it works for somebody.
TEST_F(AttributionTest, AWaitForAnAnswerDoesNotEndTheWork) {
  SyntheticThread& thread = recorded_.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.receive(10, get("/a"));
  thread.connect(30, 6000, 8080);
  thread.send(30, get("/up"));
  thread.wait({});  // a time-out
  thread.clock(1);
  thread.close(30);
  thread.connect(31, 6001, 8080);  // tries again
  thread.send(31, get("/up"));
  thread.wait({31});
  thread.clock(2);
  thread.receive(31, ok("x"));
  thread.send(10, ok("1"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_EQ(sink_.call(2).context, Context::of({1}));
  EXPECT_FALSE(sink_.call(1).complete);
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(clock_context(1), Context::of({1}));
}

TEST_F(AttributionTest, DrawsAfterAWaitBelongToTheConnectionItReportedAndTheThreadTookUp) {
  SyntheticThread& thread = recorded_.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.wait({10});
  thread.clock(1);
  thread.clock(2);
  thread.receive(10, get("/a"));
  thread.send(10, ok("1"));
  thread.wait({99});
  thread.clock(3);
  thread.wait({});
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(clock_context(1), Context::of({1}));
  EXPECT_EQ(clock_context(2), Context::background());
  EXPECT_EQ(sink_.exchange(1).draws, 2u);
  // Held back, but still in the order of the thread.
  std::uint64_t position = 0;
  for (const event::Event& event : sink_.events) {
    if (event.thread.value != 1) continue;
    EXPECT_TRUE(event.position == 0 || event.position > position);
    position = event.position;
  }
}

TEST_F(AttributionTest, AnEventLoopsCallsBelongToTheRequestsThatCausedThem) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.wait({10});
  loop.receive(10, get("/1"));
  loop.connect(30, 6000, 8080, EINPROGRESS);
  loop.wait({11});
  loop.receive(11, get("/2"));
  loop.connect(31, 6001, 8080, EINPROGRESS);
  loop.wait({31, 30});
  // It has just read for 2 when it writes for 1: the connection was opened for 1.
  loop.send(31, get("/up2"));
  loop.send(30, get("/up1"));
  loop.wait({31, 30});
  loop.receive(31, ok("b"));
  loop.clock(1);
  loop.send(11, ok("2"));
  loop.receive(30, ok("a"));
  loop.clock(2);
  loop.send(10, ok("1"));
  recorded_.finish();
  for (const auto& [id, call] : sink_.calls) {
    EXPECT_EQ(call.context, Context::of({call.target == "/up1" ? 1u : 2u})) << call.target;
  }
  EXPECT_EQ(clock_context(0), Context::of({2}));
  EXPECT_EQ(clock_context(1), Context::of({1}));
}

TEST_F(AttributionTest, AKeptConnectionGivesEachAnswerToItsOwnCall) {
  SyntheticThread& loop = recorded_.thread();
  loop.connect(30, 6000, 6379);
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.receive(10, get("/1"));
  loop.send(30, kPing);
  loop.receive(11, get("/2"));
  loop.send(30, kPing);
  loop.wait({30});
  loop.receive(30, kPong);
  loop.clock(1);
  loop.receive(30, kPong);
  loop.clock(2);
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_EQ(sink_.call(2).context, Context::of({2}));
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(clock_context(1), Context::of({2}));
}

TEST_F(AttributionTest, AnswersOfSeveralContextsInOneReadLeaveTheWorkUnattributed) {
  SyntheticThread& loop = recorded_.thread();
  loop.connect(30, 6000, 6379);
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.receive(10, get("/1"));
  loop.send(30, kPing);
  loop.receive(11, get("/2"));
  loop.send(30, kPing);
  loop.receive(30, kPong + kPong);
  loop.clock(1);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::unattributed());
  EXPECT_GE(recorded_.collector.counts().unattributed, 1u);
}

TEST_F(AttributionTest, ACallAnEventLoopMakesWithoutInputIsUnattributedAndNotAGuess) {
  SyntheticThread& loop = recorded_.thread();
  loop.connect(30, 6000, 6379);
  loop.send(30, kPing);  // before any request: background
  loop.receive(30, kPong);
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.receive(10, get("/1"));
  loop.receive(11, get("/2"));  // takes it up before the first is answered
  loop.wait({});
  loop.send(30, kPing);  // a timer: of the first, of the second, of nobody?
  loop.receive(30, kPong);
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::background());
  EXPECT_EQ(sink_.call(2).context, Context::unattributed());
}

// HAProxy reads from all clients it was told of and then runs their tasks.
TEST_F(AttributionTest, CallsBehindSeveralRequestsThatNothingWasDoneForAreUnattributed) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.wait({10, 11});
  loop.receive(10, get("/1"));
  loop.receive(11, get("/2"));
  loop.connect(30, 6000, 8080);
  loop.send(30, get("/up"));  // for the first, and the last read was the second's
  loop.wait({30});
  loop.receive(30, ok("x"));
  loop.send(10, ok("1"));
  loop.send(11, ok("2"));
  loop.wait({10});
  loop.receive(10, get("/3"));
  loop.send(30, get("/up"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::unattributed());
  EXPECT_EQ(sink_.call(2).context, Context::of({3}));
}

TEST_F(AttributionTest, ARequestThatIsNotWholeYetIsNobodysRival) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.wait({10, 11});
  loop.receive(10, get("/1").substr(0, 8));
  loop.receive(11, get("/2"));
  loop.connect(30, 6000, 8080);
  loop.send(30, get("/up"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({2}));
}

// Of a pool whose threads share one loop: the rest of the request is read by whoever is free.
TEST_F(AttributionTest, WhoReadAPartOfARequestIsDoneWithItForNow) {
  SyntheticThread& one = recorded_.thread(0);
  SyntheticThread& other = recorded_.thread(1, 0);
  one.accept(kListener, 10, 80, 5000);
  one.accept(kListener, 11, 80, 5001);
  one.wait({10, 11});
  one.receive(10, kHead);
  one.receive(11, get("/2"));
  other.wait({10});
  other.receive(10, "seven");
  one.connect(30, 6000, 8080);
  one.send(30, get("/up"));
  one.wait({});  // a client library polls its own socket
  one.clock(1);
  one.receive(30, ok("x"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({2}));
  EXPECT_EQ(clock_context(0), Context::of({2}));
}

TEST_F(AttributionTest, WhoAskedSomethingForAPartOfARequestIsNotDoneWithIt) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.wait({10, 11});
  loop.receive(10, kHead);
  loop.connect(30, 6000, 8080);
  loop.receive(11, get("/2"));
  loop.wait({});
  loop.clock(1);
  loop.send(30, get("/up"));
  recorded_.finish();
  EXPECT_NE(clock_context(0), Context::of({2}));
}

// Threads of HAProxy serve clients of their own, each as if it were the only one.
TEST_F(AttributionTest, SuchCallsAreUnattributedWhereOtherThreadsWaitForClientsAsWell) {
  SyntheticThread& loop = recorded_.thread(0);
  SyntheticThread& other = recorded_.thread(1, 0);
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  other.wait({});
  loop.wait({10, 11});
  loop.receive(10, get("/1"));
  loop.receive(11, get("/2"));
  loop.connect(30, 6000, 8080);
  loop.send(30, get("/up"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::unattributed());
}

// Asio's threads share one loop: what is left of a request is read by whoever is free.
TEST_F(AttributionTest, ARequestIsTheWorkOfTheThreadThatReadsItsEnd) {
  SyntheticThread& one = recorded_.thread(0);
  SyntheticThread& other = recorded_.thread(1, 0);
  one.connect(30, 6000, 6379);
  one.accept(kListener, 10, 80, 5000);
  one.accept(kListener, 11, 80, 5001);
  one.wait({10});
  one.receive(10, get("/1").substr(0, 8));
  one.receive(10, "", EAGAIN);
  one.wait({11});
  other.receive(10, get("/1").substr(8));
  one.receive(11, get("/2"));
  one.send(30, kPing);
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({2}));
}

// HAProxy passing on bytes: it connects to the backend for a client who has said nothing yet.
TEST_F(AttributionTest, WhatIsDoneForAClientWhoSaysNothingYetIsNotCreditedToAnother) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.receive(10, get("/1"));
  loop.connect(30, 6000, 8080);
  loop.receive(11, "", EAGAIN);
  loop.clock(1);  // draws stay with the last input, which is their address
  loop.connect(31, 6001, 8080);
  loop.wait({30});
  loop.send(30, get("/up1"));
  loop.accept(kListener, 12, 80, 5002);
  loop.connect(32, 6002, 8080);
  loop.wait({11, 12});
  loop.receive(11, get("/2"));
  loop.send(31, get("/up2"));
  loop.receive(12, get("/3"));
  loop.send(32, get("/up3"));
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_EQ(sink_.call(2).context, Context::of({2}));
  EXPECT_EQ(sink_.call(3).context, Context::of({3}));
}

// Who waits for a pool's connection gets it when another's answer has been read and passed on.
TEST_F(AttributionTest, ACallAnEventLoopMakesBehindAResponseMayBeAnothers) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.wait({10});
  loop.receive(10, get("/1"));
  loop.connect(30, 6000, 8080);
  loop.send(30, get("/up1"));
  loop.wait({11});
  loop.receive(11, get("/2"));  // the pool is exhausted
  loop.wait({30});
  loop.receive(30, ok("x"));
  loop.send(10, ok("1"));
  loop.send(30, get("/up2"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_EQ(sink_.call(2).context, Context::unattributed());
}

// libcurl's multi interface: what is due is done within any call into it, for whomever.
TEST_F(AttributionTest, CallsOfALoopThatMakesThemWithoutInputMayBeThoseOfAnyExchangeItTookUp) {
  SyntheticThread& loop = recorded_.thread();
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  loop.wait({10});
  loop.receive(10, get("/1"));
  loop.wait({});  // what is to be done for it is due at once
  loop.connect(30, 6000, 8080);
  loop.wait({11});
  loop.receive(11, get("/2"));
  loop.wait({30});
  loop.send(30, get("/up1"));
  loop.connect(31, 6001, 8080);  // for the second, which is due
  loop.send(31, get("/up2"));
  loop.wait({31});
  loop.receive(31, ok("b"));
  loop.send(11, ok("2"));
  loop.wait({11});
  loop.receive(11, get("/3"));
  loop.send(31, get("/up3"));  // or a second one for the first, which has no answer yet
  loop.wait({30});
  loop.receive(30, ok("a"));
  loop.send(10, ok("1"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_EQ(sink_.call(2).context, Context::unattributed());
  EXPECT_EQ(sink_.call(3).context, Context::unattributed());
}

TEST_F(AttributionTest, TheRestOfARequestBelongsToWhomItWasBegunFor) {
  SyntheticThread& loop = recorded_.thread();
  loop.connect(30, 6000, 8080);
  loop.accept(kListener, 10, 80, 5000);
  loop.accept(kListener, 11, 80, 5001);
  const std::string request = get("/a/long/one");
  loop.receive(10, get("/1"));
  loop.intend(30, request);
  loop.finish_send(30, 10);
  loop.receive(11, get("/2"));
  loop.send(30, request.substr(10));
  loop.receive(30, ok("x"));
  recorded_.finish();
  ASSERT_EQ(sink_.calls.size(), 1u);
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
  EXPECT_TRUE(sink_.call(1).complete);
}

TEST_F(AttributionTest, AThreadThatIsMadeGoesOnWithItsMakersWork) {
  SyntheticThread& maker = recorded_.thread(0);
  maker.accept(kListener, 10, 80, 5000);
  maker.receive(10, get("/1"));
  maker.write(abi::RecordType::kHandOff, abi::HandOff{1, abi::HandOffKind::kThreadCreated, 0});
  maker.accept(kListener, 11, 80, 5001);
  SyntheticThread& made = recorded_.thread(1, 0);
  made.clock(1);
  made.connect(30, 6000, 6379);
  made.send(30, kPing);
  made.send(10, ok("1"));
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(sink_.call(1).context, Context::of({1}));
}

TEST_F(AttributionTest, AHandOffCarriesTheWorkToWhoTakesIt) {
  SyntheticThread& giver = recorded_.thread(0);
  SyntheticThread& taker = recorded_.thread(1, 0);
  taker.clock(0);
  giver.accept(kListener, 10, 80, 5000);
  giver.receive(10, get("/1"));
  giver.write(abi::RecordType::kHandOff, abi::HandOff{77, abi::HandOffKind::kGive, 0});
  giver.receive(10, get("/2"));
  taker.write(abi::RecordType::kHandOff, abi::HandOff{77, abi::HandOffKind::kTake, 0});
  taker.clock(1);
  taker.write(abi::RecordType::kHandOff, abi::HandOff{77, abi::HandOffKind::kDrop, 0});
  taker.clock(2);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::background());
  EXPECT_EQ(clock_context(1), Context::of({1}));
  EXPECT_EQ(clock_context(2), Context::background());
}

// A pool behind a queue: nothing tells which job a worker took.
TEST_F(AttributionTest, AWorkerThatAnswersWhatOthersReadIsNotCreditedWithTheLastExchange) {
  SyntheticThread& reader = recorded_.thread(0);
  SyntheticThread& worker = recorded_.thread(1, 0);
  reader.accept(kListener, 10, 80, 5000);
  reader.receive(10, get("/1"));
  worker.send(10, ok("1"));
  reader.receive(10, get("/2"));
  worker.connect(30, 6000, 6379);
  worker.send(30, kPing);
  worker.receive(30, kPong);
  worker.send(10, ok("2"));
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::unattributed());
  EXPECT_TRUE(sink_.exchange(2).complete);
}

TEST_F(AttributionTest, AThreadThatNeverServedAnybodyWorksInTheBackground) {
  SyntheticThread& server = recorded_.thread(0);
  SyntheticThread& poller = recorded_.thread(1, 0);
  poller.connect(30, 6000, 6379);
  server.accept(kListener, 10, 80, 5000);
  server.receive(10, get("/1"));
  poller.send(30, kPing);
  poller.receive(30, kPong);
  poller.wait({});
  poller.send(30, kPing);
  recorded_.finish();
  EXPECT_EQ(sink_.call(1).context, Context::background());
  EXPECT_EQ(sink_.call(2).context, Context::background());
  EXPECT_EQ(sink_.call(2).ordinal, 1u);
}

TEST_F(AttributionTest, ReadsThatFoundNothingChangeNoTurn) {
  SyntheticThread& thread = recorded_.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.accept(kListener, 11, 80, 5001);
  thread.receive(10, get("/1"));
  thread.receive(11, "", EAGAIN);
  thread.clock(1);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
}

TEST_F(AttributionTest, CallsAreNumberedAmongThoseOfEqualPeerAndOperation) {
  SyntheticThread& thread = recorded_.thread();
  thread.accept(kListener, 10, 80, 5000);
  thread.connect(30, 6000, 8080);
  for (int exchange = 0; exchange < 2; ++exchange) {
    thread.receive(10, get("/x"));
    for (const char* target : {"/a", "/b", "/a?q=1", "/a"}) {
      thread.send(30, get(target));
      thread.receive(30, ok("x"));
    }
    thread.send(10, ok("1"));
  }
  recorded_.finish();
  std::vector<std::pair<std::string, std::uint64_t>> numbered;
  for (const auto& [id, call] : sink_.calls) numbered.emplace_back(call.operation, call.ordinal);
  const std::vector<std::pair<std::string, std::uint64_t>> once = {
      {"GET /a", 0}, {"GET /b", 0}, {"GET /a", 1}, {"GET /a", 2}};
  EXPECT_EQ(std::vector(numbered.begin(), numbered.begin() + 4), once);
  EXPECT_EQ(std::vector(numbered.begin() + 4, numbered.end()), once);
}

TEST_F(AttributionTest, ACallMadeAfterTheNextRequestHasBegunStillCountsInItsOwnExchange) {
  SyntheticThread& loop = recorded_.thread();
  loop.connect(30, 6000, 6379);
  loop.accept(kListener, 10, 80, 5000);
  loop.receive(10, get("/1"));
  loop.send(30, kPing);
  loop.receive(30, kPong);
  loop.send(10, ok("1"));
  loop.intend(30, kPing);  // an audit entry, behind the response
  loop.finish_send(30, static_cast<std::int64_t>(kPing.size()));
  loop.receive(10, get("/2"));
  loop.receive(30, kPong);
  recorded_.finish();
  EXPECT_EQ(sink_.exchange(1).calls, 2u);
  EXPECT_EQ(sink_.call(2).ordinal, 1u);
}

TEST_F(AttributionTest, ReplaysAskForWhomAThreadWorks) {
  SyntheticThread& thread = recorded_.thread();
  thread.accept(kListener, 10, 80, 5000);
  recorded_.collect();
  EXPECT_EQ(recorded_.collector.context_of(thread.slot()), Context::background());
  thread.receive(10, get("/1"));
  recorded_.collect();
  EXPECT_EQ(recorded_.collector.context_of(thread.slot()), Context::of({1}));
  EXPECT_EQ(recorded_.collector.context_of(12345), Context::background());
}

// --- Work that one thread gives to another -------------------------------------------------------

class HandOffTest : public AttributionTest {
 protected:
  static void hand_off(SyntheticThread& thread, abi::HandOffKind kind, std::uint64_t token = 0) {
    thread.write(abi::RecordType::kHandOff, abi::HandOff{token, kind, 0});
  }
  static void give(SyntheticThread& thread, std::uint64_t token) {
    hand_off(thread, abi::HandOffKind::kGive, token);
  }
  static void take(SyntheticThread& thread, std::uint64_t token) {
    hand_off(thread, abi::HandOffKind::kTake, token);
  }
  static void leave(SyntheticThread& thread, std::uint64_t token) {
    hand_off(thread, abi::HandOffKind::kDrop, token);
  }
  static void wake(SyntheticThread& thread) { hand_off(thread, abi::HandOffKind::kWoken); }

  // The loop reads a request of its own on each of these connections.
  void requests(std::initializer_list<abi::Cookie> sockets) {
    for (const abi::Cookie socket : sockets) {
      loop_.accept(kListener, socket, 80, static_cast<std::uint16_t>(5000 + socket));
      loop_.receive(socket, get("/" + std::to_string(socket)));
    }
  }
  void call(SyntheticThread& thread, abi::Cookie socket) {
    thread.send(socket, kPing);
    thread.receive(socket, kPong);
  }

  SyntheticThread& loop_ = recorded_.thread();
  SyntheticThread& worker_ = recorded_.thread(1);
};

TEST_F(HandOffTest, WorkThatIsTakenIsTheGiversAndEndsWhereItIsLeft) {
  requests({10});
  give(loop_, 1);
  worker_.clock(0);
  take(worker_, 1);
  worker_.clock(1);
  leave(worker_, 1);
  worker_.clock(2);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::background());
  EXPECT_EQ(clock_context(1), Context::of({1}));
  EXPECT_EQ(clock_context(2), Context::background());
}

TEST_F(HandOffTest, WorkInsideOtherWorkGoesOnWithThatAfterwards) {
  requests({10});
  give(loop_, 1);
  requests({11});
  take(loop_, 1);  // run in place, by the thread that had something else to do
  loop_.clock(0);
  leave(loop_, 1);
  loop_.clock(1);
  loop_.send(11, ok("1"));
  loop_.clock(2);  // after the response: still of that connection
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(clock_context(1), Context::of({2}));
  EXPECT_EQ(clock_context(2), Context::of({2}));
}

TEST_F(HandOffTest, WorkIsTakenOnceAndASecondTimeItIsNobodys) {
  requests({10});
  give(loop_, 1);
  take(worker_, 1);
  leave(worker_, 1);
  take(worker_, 1);
  worker_.clock(0);
  take(worker_, 99);  // never given
  worker_.clock(1);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::unattributed());
  EXPECT_EQ(clock_context(1), Context::unattributed());
}

TEST_F(HandOffTest, WhatIsToldHoldsAfterTheResponseAndThroughWaits) {
  requests({10});
  give(loop_, 1);
  wake(worker_);
  take(worker_, 1);
  loop_.send(10, ok("1"));
  worker_.wait({});
  worker_.clock(0);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
}

// The wrong claim there is to make: what it was woken for first, for all that it finds then.
TEST_F(HandOffTest, AWokenThreadWithABacklogWorksForNobodyKnown) {
  requests({10, 11});
  wake(worker_);
  worker_.clock(0);
  worker_.connect(30, 6000, 6379);
  call(worker_, 30);
  worker_.clock(1);
  loop_.send(10, ok("1"));
  call(worker_, 30);  // the next job, without a wait between
  worker_.clock(2);
  recorded_.finish();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(clock_context(i), Context::unattributed()) << i;
  EXPECT_EQ(sink_.call(1).context, Context::unattributed());
  EXPECT_EQ(sink_.call(2).context, Context::unattributed());
}

// Threads of an interpreter wait for its lock before they serve their clients.
TEST_F(HandOffTest, AWokenThreadThatThenReadsItsClientsWorksForThem) {
  requests({10});
  wake(worker_);
  worker_.accept(kListener, 12, 80, 5012);
  worker_.receive(12, get("/12"));
  worker_.clock(0);
  worker_.send(12, ok("12"));
  worker_.clock(1);
  recorded_.finish();
  EXPECT_EQ(clock_context(0).kind, Context::Kind::kExchange);
  EXPECT_EQ(clock_context(1), clock_context(0));
}

TEST_F(HandOffTest, AToldJobOfAPoolIsOverWithItsScope) {
  requests({10, 11});
  give(loop_, 1);
  wake(worker_);
  take(worker_, 1);
  worker_.connect(30, 6000, 6379);
  call(worker_, 30);
  worker_.clock(0);
  leave(worker_, 1);
  worker_.clock(1);  // the next job, of which nothing is told
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({2}));
  EXPECT_EQ(clock_context(1), Context::unattributed());
}

// A pool that grows makes its threads in the middle of somebody's request.
TEST_F(HandOffTest, AThreadThatWasMadeForARequestIsNotItsOnceItWaitsForWork) {
  requests({10});
  loop_.write(abi::RecordType::kHandOff, abi::HandOff{2, abi::HandOffKind::kThreadCreated, 0});
  SyntheticThread& made = recorded_.thread(2);
  made.clock(0);
  wake(made);
  made.clock(1);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(clock_context(1), Context::unattributed());
}

TEST_F(HandOffTest, AThreadThatReadsItsRequestsKeepsThemThroughAWaitForAResource) {
  requests({10});
  wake(loop_);  // a connection of a pool came free
  loop_.clock(0);
  loop_.send(10, ok("1"));
  loop_.clock(1);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::of({1}));
  EXPECT_EQ(clock_context(1), Context::of({1}));
}

TEST_F(HandOffTest, ABackgroundThreadThatNobodyWakesStaysOne) {
  requests({10});
  worker_.clock(0);
  recorded_.finish();
  EXPECT_EQ(clock_context(0), Context::background());
}

}  // namespace
}  // namespace reprise::recorder
