#include "event/projection.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string_view>

#include "event/projection_difference.h"

namespace reprise::event {
namespace {

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

// One exchange on connection 1 (kept as `recorded` 40 when it is a replay) that calls connection 2.
class Recording {
 public:
  explicit Recording(bool replay = false, std::optional<ContextKey> whole = std::nullopt)
      : projector_(std::move(whole)) {
    Connection inbound;
    inbound.id = {replay ? 9u : 40u};
    inbound.peer.text = replay ? "127.0.0.1:50001" : "10.0.0.7:33333";
    inbound.recorded = replay ? 40 : 0;
    inbound_ = inbound.id;
    projector_.add(inbound);
    Connection outbound;
    outbound.id = {replay ? 3u : 2u};
    outbound.direction = Direction::kOutbound;
    outbound.peer.text = "10.0.0.2:8443";
    outbound.peer_name = "payments";
    outbound.local.text = replay ? "127.0.0.1:4" : "10.0.0.9:5";
    outbound_ = outbound.id;
    projector_.add(outbound);
    Exchange exchange;
    exchange.id = {1};
    exchange.connection = inbound.id;
    exchange.ordinal = 1;
    exchange.request = {0, 6};
    exchange.response = {0, 4};
    projector_.add(exchange);
    exchange.id = {2};
    exchange.ordinal = 2;
    exchange.request = {6, 12};
    exchange.response = {4, 8};
    projector_.add(exchange);
    at(ModuleLoaded{"", kCaller, kCaller + 1, 0}, 0);
  }

  void at(Fact fact, std::uint64_t exchange = 1, std::uint64_t thread = 1) {
    Event event;
    event.process = {1};
    event.thread = {thread};
    event.enter = event.exit = {stamp_ += 17};
    event.context = exchange == 0 ? Context::background() : Context::of({exchange});
    event.fact = std::move(fact);
    projector_.add(event);
  }
  void read(std::uint64_t offset, std::string_view text, std::uint64_t exchange = 1) {
    at(BytesReceived{.connection = inbound_, .offset = offset, .bytes = bytes(text)}, exchange);
  }
  void intend(std::uint64_t offset, std::string_view text, std::uint64_t exchange = 1) {
    at(SendIntended{.connection = inbound_, .offset = offset, .bytes = bytes(text)}, exchange);
  }
  void result(std::uint64_t offset, std::int64_t accepted, std::int32_t error = 0,
              std::uint64_t exchange = 1) {
    at(SendFinished{inbound_, offset, accepted, error}, exchange);
  }
  void send(std::uint64_t offset, std::string_view text, std::uint64_t exchange = 1) {
    intend(offset, text, exchange);
    result(offset, static_cast<std::int64_t>(text.size()), 0, exchange);
  }
  // By the program itself.
  void clock(std::int64_t value, std::uint8_t source = 0) {
    at(ClockRead{.source = source, .value_ns = value, .caller = kCaller});
  }

  Projection finish() { return projector_.finish(); }
  ConnectionId inbound() const { return inbound_; }
  ConnectionId outbound() const { return outbound_; }

 private:
  static constexpr std::uint64_t kCaller = 0x1000;

  Projector projector_;
  ConnectionId inbound_, outbound_;
  std::uint64_t stamp_ = 1000;
};

std::string compare(Recording& one, Recording& other) {
  const auto difference = first_difference(one.finish(), other.finish());
  if (!difference) return "";
  return difference->context.name() + ", " + difference->which + ": " + difference->one + " | " +
         difference->other;
}

TEST(Projection, IgnoresHowStreamsWereCut) {
  Recording one, other;
  one.read(0, "GET /\n");
  one.clock(5);
  one.send(0, "done");
  other.read(0, "GET");
  other.read(3, " /\n");
  other.clock(5);
  other.intend(0, "done");
  other.result(0, -1, EAGAIN);
  other.intend(0, "done");
  other.result(0, 1);
  other.at(Waited{});
  other.intend(1, "one");
  other.result(1, 3);
  EXPECT_EQ(compare(one, other), "");
}

TEST(Projection, SeesChangedBytesAndWhereTheyStand) {
  Recording one, other;
  one.send(0, "done");
  other.send(0, "gone");
  EXPECT_EQ(compare(one, other),
            "exchange 1 of connection 40, fact 1: sent to the client (4 bytes, `done`) | "
            "sent to the client (4 bytes, `gone`)");
}

TEST(Projection, ReplayedExchangeHasTheNameOfTheRecordedOne) {
  Recording recorded, replayed(true);
  for (Recording* one : {&recorded, &replayed}) {
    one->read(0, "GET /\n");
    one->at(Connected{.connection = one->outbound(), .error = 0});
    one->send(0, "done");
  }
  EXPECT_EQ(compare(recorded, replayed), "");
}

TEST(Projection, ConnectThatWasNotReadyAtOnceIsTheSameConnect) {
  Recording one, other;
  one.at(Connected{.connection = one.outbound(), .error = 0});
  other.at(Connected{.connection = other.outbound(), .error = EINPROGRESS});
  other.at(ConnectFinished{other.outbound(), 0});
  EXPECT_EQ(compare(one, other), "");
}

TEST(Projection, RefusedConnectIsNotAnEstablishedOne) {
  Recording one, other;
  one.at(Connected{.connection = one.outbound(), .error = 0});
  other.at(Connected{.connection = other.outbound(), .error = EINPROGRESS});
  other.at(ConnectFinished{other.outbound(), ECONNREFUSED});
  EXPECT_NE(compare(one, other).find("ECONNREFUSED"), std::string::npos);
}

TEST(Projection, WallClocksOfTheProgramAreExact) {
  Recording exact, shifted;
  exact.clock(100);
  shifted.clock(5100);
  EXPECT_NE(compare(exact, shifted), "");
}

TEST(Projection, MonotonicClocksAreReadAsOftenAsLoopsAreWoken) {
  Recording once, twice;
  once.clock(100, 1);
  twice.clock(5100, 1);
  twice.clock(5130, 1);
  EXPECT_EQ(compare(once, twice), "");
}

TEST(Projection, ClocksAreReadByThreadsThatFoundNothingToDo) {
  Recording one, other;
  one.read(0, "GET");
  one.clock(5);
  other.read(0, "GET");
  other.clock(5);
  other.at(BytesReceived{.connection = other.inbound(), .error = EAGAIN});
  other.clock(5);
  EXPECT_EQ(compare(one, other), "");
  Recording more;
  more.read(0, "GET");
  more.clock(5);
  more.clock(5);
  Recording again;
  again.read(0, "GET");
  again.clock(5);
  EXPECT_NE(compare(more, again), "");
}

TEST(Projection, WhicheverThreadAcceptsAConnectionOrClosesItDoesTheSame) {
  Recording one, other, neither;
  one.at(Accepted{.connection = one.inbound()}, 0, 1);
  one.at(Closed{.connection = one.inbound()}, 0, 1);
  other.at(Accepted{.connection = other.inbound()}, 0, 2);
  other.at(Closed{.connection = other.inbound()}, 0, 3);
  neither.at(Accepted{.connection = neither.inbound()}, 0, 2);
  const Projection first = one.finish();
  EXPECT_FALSE(first_difference(first, other.finish()));
  const auto difference = first_difference(first, neither.finish());
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->context.name(), "connection 40");
  EXPECT_EQ(difference->one, "closed to the client");
}

TEST(Projection, ThreadsOfAPoolAreInterchangeable) {
  const auto signal = [](Recording& recording, std::int32_t number, std::uint64_t thread) {
    recording.at(SignalReceived{.number = number}, 0, thread);
  };
  Recording one, other, changed;
  signal(one, 10, 1), signal(one, 12, 2);
  signal(other, 10, 3), signal(other, 12, 1);
  signal(changed, 10, 3), signal(changed, 15, 1);
  const Projection first = one.finish();
  EXPECT_FALSE(first_difference(first, other.finish()));
  const auto difference = first_difference(first, changed.finish());
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->one, "signal: 12");
  EXPECT_EQ(difference->other, "signal: 15");
}

TEST(Projection, ListenerIsClosedByWhoeverHasTheTime) {
  Recording one, other;
  one.clock(1);
  one.at(Closed{.connection = {77}}, 1);
  other.clock(1);
  other.at(Closed{.connection = {77}}, 0);
  EXPECT_EQ(compare(one, other), "");
}

TEST(Projection, OneThreadKeepsItsOrder) {
  Recording one, other;
  for (const std::int32_t number : {10, 12}) one.at(SignalReceived{.number = number}, 0);
  for (const std::int32_t number : {12, 10}) other.at(SignalReceived{.number = number}, 0);
  EXPECT_NE(compare(one, other), "");
}

TEST(Projection, TheFirstDifferenceIsTheEarliestAndNotTheFirstExchangeS) {
  Recording one, other;
  for (Recording* recording : {&one, &other}) {
    const bool same = recording == &one;
    recording->send(4, same ? "late" : "more", 2);
    recording->send(0, same ? "done" : "gone", 1);
  }
  EXPECT_NE(compare(one, other).find("exchange 2 of connection 40"), std::string::npos);
}

TEST(Projection, BytesOfTheContextAskedForAreShownFromWhereTheyDiffer) {
  const auto projection = [](const std::string& end) {
    Recording recording(false, ContextKey{Context::Kind::kExchange, 40, 1, "", 0});
    recording.at(CallAnnotated{.name = "price", .result = bytes(std::string(200, 'x') + end)});
    return recording.finish();
  };
  const auto difference = first_difference(projection("one"), projection("two"));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->one, "price returned (203 bytes, from byte 180 `xxxxxxxxxxxxxxxxxxxxone`)");
}

TEST(Projection, CodeThatDrewIsNamedByItsPlaceInTheFile) {
  const auto projection = [](std::uint64_t base, std::int64_t value) {
    Recording recording;
    recording.at(ProcessStarted{.executable = "/srv/shop", .path = "0"}, 0);
    recording.at(ModuleLoaded{"/srv/shop", base, base + 0x1000, base}, 0);
    recording.at(ClockRead{.value_ns = value, .caller = base + 0x40});
    return recording.finish();
  };
  const auto difference = first_difference(projection(0x5000, 1), projection(0x7000, 2));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->one_place, (CodePlace{"/srv/shop", 0x40}));
  EXPECT_EQ(difference->other_place, difference->one_place);
}

TEST(Projection, PipelinedRequestsOfOneReadBelongToTheirExchanges) {
  Recording together, apart;
  together.read(0, "GET /\nGET /\n");
  apart.read(0, "GET /\n");
  apart.read(6, "GET /\n", 2);
  EXPECT_EQ(compare(together, apart), "");
}

TEST(Projection, LogLinesAreComparedHoweverTheyWereWritten) {
  Recording one, other;
  one.at(LogWritten{1, bytes("first\nsecond\n")});
  one.clock(1);
  other.at(LogWritten{1, bytes("fir")});
  other.clock(1);
  other.at(LogWritten{1, bytes("st\nsec")});
  other.at(LogWritten{1, bytes("ond\n")});
  EXPECT_EQ(compare(one, other), "");
  Recording more;
  more.clock(1);
  more.at(LogWritten{1, bytes("first\n")});
  Recording again;
  again.clock(1);
  again.at(LogWritten{1, bytes("first\nsecond\n")});
  EXPECT_NE(compare(more, again).find("log line 2"), std::string::npos);
}

TEST(Projection, FileSentInPartsIsOneFact) {
  Recording one, other;
  const auto file = [](Recording& recording, std::uint64_t from, std::uint64_t length,
                       std::int64_t accepted) {
    recording.at(FileRangeSent{.connection = recording.inbound(),
                               .offset = from,
                               .path = "/srv/a",
                               .file_offset = from,
                               .length = length});
    recording.result(from, accepted);
  };
  file(one, 0, 100, 100);
  file(other, 0, 100, 30);
  file(other, 30, 70, 70);
  EXPECT_EQ(compare(one, other), "");
}

TEST(Projection, SendCutShortByTheEndOfTheProcessCounts) {
  Recording one, other;
  one.send(0, "done");
  other.intend(0, "done");
  EXPECT_EQ(compare(one, other), "");
}

TEST(Projection, OrderOfDrawsAndCallsInAContextCounts) {
  Recording one, other;
  one.clock(1);
  one.at(LookedUp{.node = "payments"});
  other.at(LookedUp{.node = "payments"});
  other.clock(1);
  EXPECT_NE(compare(one, other), "");
}

TEST(Projection, EndOfStreamAndResetAreFacts) {
  Recording one, other, none;
  one.at(BytesReceived{.connection = one.inbound()});
  other.at(BytesReceived{.connection = other.inbound(), .error = ECONNRESET});
  none.at(BytesReceived{.connection = none.inbound(), .error = EAGAIN});
  const Projection ended = one.finish(), reset = other.finish(), nothing = none.finish();
  EXPECT_TRUE(first_difference(ended, reset).has_value());
  EXPECT_TRUE(first_difference(ended, nothing).has_value());
  EXPECT_TRUE(nothing.facts.empty());
}

}  // namespace
}  // namespace reprise::event
