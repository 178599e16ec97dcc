#include "replayer/units.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;
using Lines = std::vector<std::string>;

std::string target_of(const Plan& plan, const RecordedExchange& exchange) {
  const std::string request =
      text_of(plan.streams->bytes({exchange.connection, Flow::kReceived}, exchange.request));
  return request.substr(4, request.find(' ', 4) - 4);
}

// "1 open /a /b end": what is released as one, by connection.
std::string line_of(const Plan& plan, const Unit& unit) {
  if (unit.signal != 0) return "signal " + std::to_string(unit.signal) + " to " + unit.process;
  std::string line = std::to_string(unit.connection.value);
  if (unit.opens) line += " open";
  const RecordedConnection& connection = *plan.connection(unit.connection);
  for (std::uint32_t i = 0; i < unit.exchanges; ++i) {
    const std::uint32_t index = connection.transactions[unit.first_exchange + i];
    line += " " + target_of(plan, plan.exchanges[index]);
  }
  if (unit.chunks > 1) line += " in " + std::to_string(unit.chunks) + " chunks";
  if (unit.ends) line += " end";
  return line;
}

class Units : public testing::Test {
 protected:
  Lines released(const Selection& selection = {}) {
    plan_ = recording_.plan(selection);
    Lines lines;
    for (const Unit& unit : plan_->units) lines.push_back(line_of(*plan_, unit));
    return lines;
  }
  // An exchange from its first byte to its last.
  event::ExchangeId exchange(event::ConnectionId connection, const std::string& target) {
    const event::ExchangeId id = recording_.begin(connection, get(target));
    recording_.answer(id, ok(target));
    recording_.context = {};
    return id;
  }
  void end(event::ConnectionId connection) { recording_.receive_nothing(connection, 0); }

  ToldRecording recording_;
  const event::ConnectionId first_ = recording_.accept();
  std::unique_ptr<Plan> plan_;
};

// --- Exchanges
// ------------------------------------------------------------------------------------

TEST_F(Units, ExchangesOfAConnectionGoOneByOne) {
  exchange(first_, "/a");
  exchange(first_, "/b");
  EXPECT_EQ(released(), (Lines{"1 open /a", "1 /b"}));
  EXPECT_EQ(plan_->selected, 2u);
}

TEST_F(Units, ClientThatOpensWellBeforeItSpeaksDoesSoAgain) {
  recording_.pause(milliseconds(20));
  exchange(first_, "/a");
  EXPECT_EQ(released(), (Lines{"1 open", "1 /a"}));
}

TEST_F(Units, PipelinedExchangesThatShareAChunkGoTogether) {
  const event::ByteRange both = recording_.receive(first_, get("/a") + get("/b"));
  const std::uint64_t middle = both.begin + get("/a").size();
  const auto a = recording_.begin_at(first_, {both.begin, middle});
  const auto b = recording_.begin_at(first_, {middle, both.end});
  recording_.answer(a, ok("a"));
  recording_.answer(b, ok("b"));
  exchange(first_, "/c");
  EXPECT_EQ(released(), (Lines{"1 open /a /b", "1 /c"}));
}

TEST_F(Units, PipelinedExchangeThatBeginsInAnothersChunkGoesWithIt) {
  const std::string text = get("/a") + get("/b");
  const std::size_t cut = get("/a").size() + 5;  // "GET /" of the second
  const event::ByteRange head = recording_.receive(first_, text.substr(0, cut));
  const event::ByteRange tail = recording_.receive(first_, text.substr(cut));
  const std::uint64_t middle = head.begin + get("/a").size();
  recording_.answer(recording_.begin_at(first_, {head.begin, middle}), ok("a"));
  recording_.answer(recording_.begin_at(first_, {middle, tail.end}), ok("b"));
  EXPECT_EQ(released(), (Lines{"1 open /a /b in 2 chunks"}));
}

TEST_F(Units, PipelinedExchangesInChunksOfTheirOwnGoOneByOne) {
  const auto a = recording_.begin(first_, get("/a"));
  const auto b = recording_.begin(first_, get("/b"));
  recording_.answer(a, ok("a"));
  recording_.answer(b, ok("b"));
  EXPECT_EQ(released(), (Lines{"1 open /a", "1 /b"}));
}

TEST_F(Units, RequestThatCameInPiecesIsOneUnit) {
  const event::ByteRange head = recording_.receive(first_, get("/a").substr(0, 9));
  recording_.pause(milliseconds(300));
  const event::ByteRange tail = recording_.receive(first_, get("/a").substr(9));
  recording_.answer(recording_.begin_at(first_, {head.begin, tail.end}), ok("a"));
  exchange(first_, "/b");
  EXPECT_EQ(released(), (Lines{"1 open /a in 2 chunks", "1 /b"}));
}

TEST_F(Units, BytesOfNoKnownExchangeFollowWhatTheyFollowed) {
  exchange(first_, "/a");
  recording_.receive(first_, "GET /cut-o");  // the recording ended
  EXPECT_EQ(released(), (Lines{"1 open /a in 2 chunks"}));
  EXPECT_EQ(plan_->selected, 1u);
}

TEST_F(Units, ConnectionsTakeTurnsAsRecorded) {
  const event::ConnectionId second = recording_.accept();
  exchange(second, "/x");
  recording_.pause(milliseconds(5));
  exchange(first_, "/a");
  exchange(second, "/y");
  EXPECT_EQ(released(), (Lines{"1 open", "2 open /x", "1 /a", "2 /y"}));
}

// --- Ends
// -----------------------------------------------------------------------------------------

TEST_F(Units, ClientThatLeavesAfterItsAnswerLeavesAfterIt) {
  exchange(first_, "/a");
  end(first_);
  EXPECT_EQ(released(), (Lines{"1 open /a", "1 end"}));
}

TEST_F(Units, ClientThatLeavesWithoutItsAnswerLeavesWithinTheExchange) {
  recording_.begin(first_, get("/a"));
  end(first_);
  EXPECT_EQ(released(), (Lines{"1 open /a end"}));
}

TEST_F(Units, ClientThatHalfClosesBeforeItsAnswerDoesSoAgain) {
  const auto id = recording_.begin(first_, get("/a"));
  end(first_);
  recording_.answer(id, ok("late"));
  EXPECT_EQ(released(), (Lines{"1 open /a end"}));
}

TEST_F(Units, ClientThatNeverSpokeOpensAndLeaves) {
  recording_.pause(milliseconds(20));
  end(first_);
  EXPECT_EQ(released(), (Lines{"1 open", "1 end"}));
}

// --- What is not driven
// ---------------------------------------------------------------------------

TEST_F(Units, OnlyClientsOfTheServiceAreDriven) {
  exchange(first_, "/a");
  const event::ConnectionId internal = recording_.accept();
  recording_.connections[internal].internal = true;
  exchange(internal, "/self");
  recording_.call({.operation = "GET /stock", .request = get("/stock"), .response = ok("7")});
  EXPECT_EQ(released(), (Lines{"1 open /a"}));
}

TEST_F(Units, ClientThatSpeaksTlsIsNamedAsOneThatCannotBePlayed) {
  exchange(first_, "/a");
  released();
  EXPECT_EQ(plan_->cannot_drive, "");
  const event::ConnectionId tls = recording_.accept();
  recording_.receive(tls, "\x16\x03\x01\x02");
  released();
  EXPECT_NE(plan_->cannot_drive.find("198.51.100.7:40002"), std::string::npos)
      << plan_->cannot_drive;
  EXPECT_NE(plan_->cannot_drive.find("TLS"), std::string::npos);
}

// --- Signals
// --------------------------------------------------------------------------------------

class Signals : public Units {
 protected:
  void signal(int number, int from_pid, int code = SI_USER, bool fatal = false) {
    recording_.tell(event::SignalReceived{
        .number = number, .code = code, .from_pid = from_pid, .fatal = fatal});
  }
  void start_process(std::uint64_t id, int pid, const std::string& path) {
    recording_.process = {id};
    recording_.tell(event::ProcessStarted{.pid = pid, .path = path});
  }
};

TEST_F(Signals, SignalFromOutsideIsSentAgainToTheSameProcess) {
  start_process(1, 100, "0");
  start_process(2, 101, "0.1");
  exchange(first_, "/a");
  signal(SIGHUP, 7);
  exchange(first_, "/b");
  EXPECT_EQ(released(), (Lines{"1 open /a", "signal 1 to 0.1", "1 /b"}));
}

TEST_F(Signals, SignalsTheServiceBringsUponItselfComeByThemselves) {
  start_process(1, 100, "0");
  exchange(first_, "/a");
  signal(SIGHUP, 100);                // from itself
  signal(SIGCHLD, 7, CLD_EXITED);     // from the kernel
  signal(SIGSEGV, 7, SI_USER, true);  // its end, compared as such
  EXPECT_EQ(released(), (Lines{"1 open /a"}));
}

// --- --only and --with-prefix
// ---------------------------------------------------------------------

class Selected : public Units {
 protected:
  // 1: /a /b, end; 2: /c, end; then 1 again: /d.
  Selected() {
    const event::ConnectionId second = recording_.accept();
    recording_.pause(milliseconds(5));
    exchange(first_, "/a");
    exchange(second, "/c");
    exchange(first_, "/b");
    end(second);
    exchange(first_, "/d");
    end(first_);
  }
  static Selection only(std::uint64_t id, bool with_prefix = false) {
    return {.only = event::ExchangeId{id}, .with_prefix = with_prefix};
  }
};

TEST_F(Selected, EverythingIsReplayedByDefault) {
  EXPECT_EQ(released(),
            (Lines{"1 open", "2 open", "1 /a", "2 /c", "1 /b", "2 end", "1 /d", "1 end"}));
  EXPECT_EQ(plan_->selected, 4u);
}

TEST_F(Selected, OnlyOneExchangeIsDrivenOnItsConnection) {
  EXPECT_EQ(released(only(3)), (Lines{"1 open", "1 /b", "1 end"}));
  EXPECT_EQ(plan_->selected, 1u);
  EXPECT_EQ(released(only(2)), (Lines{"2 open", "2 /c", "2 end"}));
}

TEST_F(Selected, PrefixIsEverythingThatBeganBefore) {
  EXPECT_EQ(released(only(3, true)), (Lines{"1 open", "2 open", "1 /a", "2 /c", "1 /b", "1 end"}));
  EXPECT_EQ(plan_->selected, 3u);
}

TEST_F(Selected, ConnectionCountsFromTheFirstExchangeThatIsDriven) {
  released(only(3));
  EXPECT_EQ(plan_->ordinal_of({1}, 1), 2u);
  released(only(3, true));
  EXPECT_EQ(plan_->ordinal_of({1}, 1), 1u);
}

TEST_F(Selected, UnknownExchangeSelectsNothing) {
  EXPECT_EQ(released(only(99)), Lines{});
  EXPECT_EQ(plan_->selected, 0u);
}

TEST_F(Units, ExchangeThatSharesAChunkIsSelectedWithItsNeighbour) {
  const event::ByteRange both = recording_.receive(first_, get("/a") + get("/b"));
  const std::uint64_t middle = both.begin + get("/a").size();
  recording_.answer(recording_.begin_at(first_, {both.begin, middle}), ok("a"));
  recording_.answer(recording_.begin_at(first_, {middle, both.end}), ok("b"));
  exchange(first_, "/c");
  EXPECT_EQ(released({.only = event::ExchangeId{2}}), (Lines{"1 open /a /b"}));
  EXPECT_EQ(plan_->selected, 2u);
}

// A thread of the service waits at each source, and ends when it says that there is no more.
TEST_F(Selected, TheEndOfASourceIsReleasedWhateverIsSelected) {
  const event::ConnectionId last = recording_.accept();
  end(last);
  EXPECT_EQ(released(only(3)), (Lines{"1 open", "1 /b", "1 end"}))
      << "the control: a client that said nothing is left out";
  recording_.connections[last].local.text = "entry:orders";
  EXPECT_EQ(released(only(3)), (Lines{"1 open", "1 /b", "1 end", "3 open", "3 end"}));
}

}  // namespace
}  // namespace reprise::replayer
