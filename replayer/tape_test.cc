#include "replayer/tape.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;
using Lines = std::vector<std::string>;

constexpr std::uint8_t kRealtime = 0;
constexpr std::uint8_t kGetrandom = 1;

// A recording with draws in it, and where the agent finds them again (agent/abi/control.h).
class TapeLayout : public testing::Test {
 protected:
  TapeLayout() {
    recording_.tell(event::ProcessStarted{.executable = "/srv/shop", .path = "0"});
    recording_.tell(event::ModuleLoaded{"/srv/shop", 0x1000, 0x2000, 0});
    recording_.tell(event::ModuleLoaded{"/usr/lib/libcurl.so.4", 0x5000, 0x6000, 0});
    start_thread(0, 0);
  }

  void start_thread(std::uint32_t ordinal, std::uint32_t creator) {
    recording_.tell(event::ThreadStarted{.ordinal = ordinal, .creator = creator});
  }
  void make_thread(std::uint32_t ordinal) {
    recording_.tell(event::HandedOff{event::HandedOff::Kind::kThreadCreated, ordinal});
  }
  void on_thread(std::uint64_t thread) { recording_.thread = {thread}; }
  void in(const Context& context) { recording_.context = context; }
  void draw(std::int64_t value, std::uint64_t caller = 0x1800) {
    recording_.tell(event::ClockRead{.source = kRealtime, .value_ns = value, .caller = caller});
  }
  void read(event::ConnectionId connection, const std::string& bytes = "x") {
    recording_.receive(connection, bytes);
  }

  const Plan& plan() {
    if (!plan_) plan_ = recording_.plan();
    return *plan_;
  }
  std::uint32_t opening(event::ConnectionId connection) {
    return plan().connection(connection)->opening_entry;
  }
  // The entry of the read that began at `offset`; kNone when there is none.
  std::uint32_t entry_of(event::ConnectionId connection, std::uint64_t offset = 0) {
    for (const Chunk& chunk : plan().inputs.chunks_of(connection)) {
      for (const Anchor& anchor : plan().inputs.anchors_of(chunk)) {
        if (anchor.offset == offset) return anchor.entry;
      }
    }
    return abi::kNone;
  }
  std::uint32_t start_of(const ThreadOrigin& origin) {
    const auto found = plan().tape.threads.find(origin);
    return found == plan().tape.threads.end() ? abi::kNone : found->second.entry;
  }

  // Draws between the report of an input and the input, and those after it; without the steps among
  // them that are no sends (a connect, a lookup).
  Lines ready(std::uint32_t entry) { return draws(entry, true); }
  Lines io(std::uint32_t entry) { return draws(entry, false); }
  Lines draws(std::uint32_t number, bool ready_part) {
    if (number >= plan().tape.entries.size()) return {"no entry"};
    const abi::TapeEntry& entry = plan().tape.entries[number];
    Lines lines;
    for (std::uint32_t i = 0; i < (ready_part ? entry.ready_draws : entry.io_draws); ++i) {
      const std::uint32_t offset = entry.first_draw + (ready_part ? 0 : entry.ready_draws) + i;
      const abi::TapeDraw& one = plan().tape.draws.at(offset);
      if (one.kind <= abi::DrawKind::kSend) lines.push_back(words(one));
    }
    return lines;
  }
  std::string words(const abi::TapeDraw& draw) {
    std::string text = std::to_string(draw.value);
    if (draw.kind == abi::DrawKind::kRandom) {
      const auto* bytes = reinterpret_cast<const char*>(plan().tape.bytes.data()) + draw.value;
      text = "random " + std::string(bytes, draw.length);
    }
    if (draw.kind == abi::DrawKind::kSend) return "send";
    return draw.module == 0 ? text : text + " in a library";
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
};

// --- Reads
// ----------------------------------------------------------------------------------------

TEST_F(TapeLayout, DrawsFollowTheReadTheyCameAfter) {
  const auto c = recording_.accept();
  draw(1);
  read(c, "ab");
  draw(2);
  draw(3);
  read(c, "cd");
  draw(4);
  EXPECT_EQ(io(opening(c)), Lines{"1"});
  EXPECT_EQ(io(entry_of(c, 0)), (Lines{"2", "3"}));
  EXPECT_EQ(io(entry_of(c, 2)), Lines{"4"});
}

TEST_F(TapeLayout, SendsMoveNothing) {
  const auto c = recording_.accept();
  read(c);
  draw(1);
  recording_.send(c, "answer");
  draw(2);
  EXPECT_EQ(io(entry_of(c)), (Lines{"1", "send", "2"}));
}

TEST_F(TapeLayout, SendInSeveralPartsIsOneStep) {
  const auto c = recording_.accept();
  read(c);
  recording_.tell(event::SendIntended{.connection = c, .bytes = {1}, .continues = true});
  recording_.tell(event::SendIntended{.connection = c, .offset = 1, .bytes = {2}});
  recording_.tell(event::SendIntended{.connection = c, .offset = 2, .bytes = {3}});
  EXPECT_EQ(io(entry_of(c)), (Lines{"send", "send"}));
}

TEST_F(TapeLayout, StepsKnowWhenTheyWereRecorded) {
  const auto c = recording_.accept();
  read(c);
  draw(1);
  recording_.send(c, "answer");
  const abi::TapeEntry& entry = plan().tape.entries[entry_of(c)];
  ASSERT_EQ(entry.io_draws, 2u);
  const abi::TapeDraw* steps = &plan().tape.draws[entry.first_draw];
  EXPECT_GT(steps[0].at_ns, plan().began.ns);
  EXPECT_GT(steps[1].at_ns, steps[0].at_ns);
}

TEST_F(TapeLayout, ReadsThatGaveNothingMoveNothing) {
  const auto c = recording_.accept();
  read(c);
  draw(1);
  recording_.receive_nothing(c, EAGAIN);
  recording_.receive_nothing(c, EINTR);
  draw(2);
  EXPECT_EQ(io(entry_of(c)), (Lines{"1", "2"}));
}

TEST_F(TapeLayout, EndOfAStreamIsAnInput) {
  const auto c = recording_.accept();
  read(c);
  recording_.receive_nothing(c, 0);
  draw(1);
  EXPECT_EQ(io(entry_of(c)), Lines{});
  EXPECT_EQ(io(plan().inputs.of(c).end_entry), Lines{"1"});
}

TEST_F(TapeLayout, LaterPartsOfALargeReadAreNoInputsOfTheirOwn) {
  const auto c = recording_.accept();
  recording_.tell(event::BytesReceived{
      .connection = c, .offset = 0, .requested = 4, .bytes = {1, 2}, .continues = true});
  recording_.tell(
      event::BytesReceived{.connection = c, .offset = 2, .requested = 4, .bytes = {3, 4}});
  draw(1);
  EXPECT_EQ(io(entry_of(c, 0)), Lines{"1"});
  EXPECT_EQ(entry_of(c, 2), abi::kNone);
}

TEST_F(TapeLayout, ThreadsKeepTheirOwnPlaces) {
  const auto one = recording_.accept();
  on_thread(2);
  start_thread(1, 0);
  const auto other = recording_.accept();
  read(other);
  on_thread(1);
  read(one);
  draw(1);
  on_thread(2);
  draw(2);
  EXPECT_EQ(io(entry_of(one)), Lines{"1"});
  EXPECT_EQ(io(entry_of(other)), Lines{"2"});
}

TEST_F(TapeLayout, ConnectionInsideTheServiceIsNoInput) {
  const auto c = recording_.accept();
  const auto internal = recording_.accept();
  recording_.connections[internal].internal = true;
  read(c);
  read(internal);
  draw(1);
  EXPECT_EQ(io(entry_of(c)), Lines{"1"});
  EXPECT_EQ(entry_of(internal), abi::kNone);
}

// --- Readiness
// ------------------------------------------------------------------------------------

TEST_F(TapeLayout, DrawsBetweenAReportAndItsReadAreTheReadyPart) {
  const auto c = recording_.accept();
  recording_.report({c});
  draw(1);
  read(c);
  draw(2);
  EXPECT_EQ(ready(entry_of(c)), Lines{"1"});
  EXPECT_EQ(io(entry_of(c)), Lines{"2"});
}

TEST_F(TapeLayout, DrawsAfterAReportOfSeveralBelongToEach) {
  const auto a = recording_.accept(), b = recording_.accept();
  recording_.report({a, b});
  draw(1);
  read(b);
  draw(2);
  read(a);
  draw(3);
  EXPECT_EQ(ready(entry_of(a)), Lines{"1"});
  EXPECT_EQ(ready(entry_of(b)), Lines{"1"});
  EXPECT_EQ(io(entry_of(b)), Lines{"2"});
  EXPECT_EQ(io(entry_of(a)), Lines{"3"});
}

TEST_F(TapeLayout, WaitThatTimedOutMovesNothing) {
  const auto c = recording_.accept();
  read(c);
  draw(1);
  recording_.report({});
  draw(2);
  EXPECT_EQ(io(entry_of(c)), (Lines{"1", "2"}));
}

TEST_F(TapeLayout, TimeOutsPartTheDraws) {
  const auto c = recording_.accept();
  read(c);
  draw(1);
  recording_.tell(event::Waited{.timeout_ns = 5});
  draw(2);
  recording_.tell(event::Waited{.timeout_ns = 0});  // looked, and did not wait
  const abi::TapeEntry& entry = plan().tape.entries[entry_of(c)];
  ASSERT_EQ(entry.io_draws, 3u);
  EXPECT_EQ(plan().tape.draws[entry.first_draw + 1].kind, abi::DrawKind::kTimeOut);
}

TEST_F(TapeLayout, InputReportedTwiceHasTheDrawsAfterBothReports) {
  const auto c = recording_.accept();
  recording_.report({c});
  draw(1);
  recording_.report({c});
  draw(2);
  read(c);
  EXPECT_EQ(ready(entry_of(c)), (Lines{"1", "2"}));
}

TEST_F(TapeLayout, OneThreadMayWaitAndAnotherRead) {
  const auto c = recording_.accept();
  recording_.report({c});
  draw(1);
  on_thread(2);
  start_thread(1, 0);
  read(c);
  draw(2);
  on_thread(1);
  draw(3);
  EXPECT_EQ(ready(entry_of(c)), (Lines{"1", "3"}));
  EXPECT_EQ(io(entry_of(c)), Lines{"2"});
}

TEST_F(TapeLayout, DrawsAfterAListenersReportBelongToTheConnectionItGaveOut) {
  recording_.report({kTestListener});
  draw(1);
  const auto c = recording_.accept();
  draw(2);
  read(c);
  EXPECT_EQ(ready(opening(c)), Lines{"1"});
  EXPECT_EQ(io(opening(c)), Lines{"2"});
  EXPECT_EQ(ready(entry_of(c)), Lines{});
}

TEST_F(TapeLayout, HangUpThatNobodyReadHasTheDrawsAfterItsReport) {
  const auto c = recording_.accept();
  recording_.report({c});
  draw(1);
  recording_.tell(event::Closed{.connection = c});
  const std::uint32_t entry = plan().inputs.of(c).end_entry;
  EXPECT_NE(entry, opening(c));
  EXPECT_EQ(ready(entry), Lines{"1"});
}

// --- Connects
// -------------------------------------------------------------------------------------

TEST_F(TapeLayout, EstablishedConnectIsAnInputAndAFailedOneIsNot) {
  const auto c = recording_.accept();
  read(c);
  recording_.connect("stock:80", ECONNREFUSED);
  draw(1);
  const auto stock = recording_.connect("stock:80");
  draw(2);
  EXPECT_EQ(io(entry_of(c)), Lines{"1"});
  EXPECT_EQ(io(opening(stock)), Lines{"2"});
}

TEST_F(TapeLayout, NonBlockingConnectIsAnInputWhenItIsLearntToHaveCompleted) {
  const auto c = recording_.accept();
  read(c);
  const auto stock = recording_.connect("stock:80", EINPROGRESS);
  draw(1);
  event::Waited writable{.result = 1, .ready = {{.connection = stock, .writable = true}}};
  recording_.tell(writable);
  draw(2);
  recording_.tell(event::ConnectFinished{stock, 0});
  draw(3);
  EXPECT_EQ(io(entry_of(c)), Lines{"1"});
  EXPECT_EQ(ready(opening(stock)), Lines{"2"});
  EXPECT_EQ(io(opening(stock)), Lines{"3"});
}

// --- What follows
// ---------------------------------------------------------------------------------

TEST_F(TapeLayout, EntriesOfOneContextFollowEachOtherAcrossConnections) {
  const auto c = recording_.accept(), other = recording_.accept();
  const auto stock = recording_.connect("stock:80");
  in(Context::of({1}));
  read(c);
  in(Context::of({2}));
  read(other);
  in(Context::of({1}));
  read(stock);
  const auto next = [&](std::uint32_t entry) { return plan().tape.entries[entry].next; };
  EXPECT_EQ(next(entry_of(c)), entry_of(stock));
  EXPECT_EQ(next(entry_of(other)), abi::kNone);
  EXPECT_EQ(next(entry_of(stock)), abi::kNone);
  // An accepted connection goes on with its first request, whoever's that is.
  EXPECT_EQ(next(opening(c)), entry_of(c));
}

// --- Sources
// --------------------------------------------------------------------------------------

TEST_F(TapeLayout, RandomBytesAreKeptAndFailedDrawsAreNot) {
  const auto c = recording_.accept();
  read(c);
  recording_.tell(event::RandomDrawn{.source = kGetrandom, .bytes = bytes_of("abc")});
  recording_.tell(event::RandomDrawn{.source = kGetrandom, .error = EAGAIN});
  recording_.tell(event::RandomDrawn{.source = kGetrandom, .bytes = bytes_of("de")});
  EXPECT_EQ(io(entry_of(c)), (Lines{"random abc", "random de"}));
}

TEST_F(TapeLayout, DrawsOfALibraryAreToldFromTheProgramsOwn) {
  const auto c = recording_.accept();
  read(c);
  draw(1, 0x5800);
  draw(2);
  EXPECT_EQ(io(entry_of(c)), (Lines{"1 in a library", "2"}));
}

// --- Threads
// --------------------------------------------------------------------------------------

TEST_F(TapeLayout, FirstThreadIsNamedByItsImage) {
  draw(1);
  EXPECT_EQ(io(start_of({.image = "0:0"})), Lines{"1"});
}

TEST_F(TapeLayout, ThreadsAreNamedByWhereTheirMakerWasAndTold) {
  const auto c = recording_.accept();
  read(c);
  make_thread(1);
  make_thread(2);
  // They need not start in the order in which they were made.
  on_thread(8);
  start_thread(2, 0);
  draw(20);
  on_thread(9);
  start_thread(1, 0);
  draw(10);
  EXPECT_EQ(io(start_of({.creator_entry = entry_of(c), .created_since = 0})), Lines{"10"});
  EXPECT_EQ(io(start_of({.creator_entry = entry_of(c), .created_since = 1})), Lines{"20"});
}

TEST_F(TapeLayout, ThreadMadeBetweenAReportAndItsInputIsNamedByTheReadyPart) {
  recording_.report({kTestListener});
  make_thread(1);
  const auto c = recording_.accept();
  make_thread(2);
  on_thread(8);
  start_thread(1, 0);
  draw(10);
  on_thread(9);
  start_thread(2, 0);
  draw(20);
  EXPECT_EQ(io(start_of({.creator_entry = opening(c), .creator_ready = true})), Lines{"10"});
  EXPECT_EQ(io(start_of({.creator_entry = opening(c)})), Lines{"20"});
}

TEST_F(TapeLayout, FirstThreadOfAForkedChildIsNamedByTheForkAndThatOfAnExecByItsImage) {
  const auto c = recording_.accept();
  read(c);
  recording_.tell(event::ProcessForked{.child = {2}, .ordinal = 1});
  recording_.process = {2};
  on_thread(2);
  recording_.tell(event::ProcessStarted{.parent = {1}, .path = "0.1"});
  start_thread(0, 0);
  draw(10);
  recording_.tell(event::ProcessStarted{.parent = {1}, .path = "0.1", .image = 1});
  on_thread(3);
  start_thread(0, 0);
  draw(20);
  EXPECT_EQ(io(start_of({.creator_entry = entry_of(c)})), Lines{"10"});
  EXPECT_EQ(io(start_of({.image = "0.1:1"})), Lines{"20"});
}

TEST_F(TapeLayout, DrawsOfAThreadThatEndedStayWhole) {
  const auto c = recording_.accept();
  on_thread(2);
  start_thread(1, 0);
  read(c);
  draw(1);
  recording_.tell(event::ThreadEnded{});
  on_thread(1);
  draw(2);
  EXPECT_EQ(io(entry_of(c)), Lines{"1"});
}

// --- Work that one thread gives to another -------------------------------------------------------

class GivenWork : public TapeLayout {
 protected:
  void hand_off(event::HandedOff::Kind kind, std::uint64_t token) {
    recording_.tell(event::HandedOff{kind, token});
  }
  void give(std::uint64_t token) { hand_off(event::HandedOff::Kind::kGive, token); }
  void take(std::uint64_t token) { hand_off(event::HandedOff::Kind::kTake, token); }
  void leave(std::uint64_t token) { hand_off(event::HandedOff::Kind::kDrop, token); }
};

TEST_F(GivenWork, IsNamedByWhereTheGiverWasAndHasDrawsOfItsOwn) {
  const auto c = recording_.accept();
  read(c);
  draw(1);
  give(7);
  make_thread(1);
  give(8);
  on_thread(8);
  start_thread(1, 0);
  take(8);
  draw(80);
  on_thread(1);
  draw(2);  // meanwhile, of the giver
  on_thread(8);
  draw(81);
  leave(8);
  EXPECT_EQ(io(entry_of(c)), (Lines{"1", "2"}));
  EXPECT_EQ(io(start_of({.creator_entry = entry_of(c), .created_since = 2})), (Lines{"80", "81"}));
  EXPECT_EQ(start_of({.creator_entry = entry_of(c), .created_since = 0}), abi::kNone)
      << "nobody took it";
}

TEST_F(GivenWork, IsLeftForWhereTheTakerWasBefore) {
  const auto c = recording_.accept();
  read(c);
  give(7);
  const auto other = recording_.accept();
  read(other);
  draw(1);
  take(7);
  draw(70);
  leave(7);
  draw(2);
  EXPECT_EQ(io(entry_of(other)), (Lines{"1", "2"}));
  EXPECT_EQ(io(start_of({.creator_entry = entry_of(c)})), Lines{"70"});
}

TEST_F(GivenWork, TakenASecondTimeOrByNobodysTokenMovesNothing) {
  const auto c = recording_.accept();
  read(c);
  give(7);
  take(7);
  leave(7);
  take(7);
  draw(1);
  leave(7);
  take(99);
  draw(2);
  leave(99);
  EXPECT_EQ(io(entry_of(c)), (Lines{"1", "2"}));
}

}  // namespace
}  // namespace reprise::replayer
