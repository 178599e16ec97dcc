#include "replayer/serial_schedule.h"

#include <gtest/gtest.h>

#include <ostream>

namespace reprise::replayer {

void PrintTo(Release release, std::ostream* out) {
  static constexpr const char* kNames[] = {"nothing", "step",         "output",   "forced output",
                                           "unit",    "unit early",   "deadline", "give up",
                                           "finish",  "not listening"};
  *out << kNames[static_cast<int>(release)];
}

namespace {

using std::chrono::milliseconds;

constexpr Moment at(int ms) { return Moment{} + milliseconds(ms); }

Release choose(const Board& board) { return SerialSchedule().choose(board); }

// The service rests, 100 ms into the recording.
Board resting() {
  Board board;
  board.now = at(100);
  board.quiescent = true;
  return board;
}

Board::NextUnit request(Moment recorded) {
  return {.recorded = recorded, .starts_exchange = true, .ready = true};
}
// A connection that opens or ends, or a signal.
Board::NextUnit other_unit(Moment recorded) {
  return {.recorded = recorded, .starts_exchange = false, .ready = true};
}

// An exchange waits for its answer, which the recording had at 200 ms.
Board outstanding() {
  Board board = resting();
  board.outstanding = board.outstanding_answered = true;
  board.outstanding_recorded_end = board.outstanding_end = at(200);
  return board;
}

TEST(SerialSchedule, DisturbsNoServiceThatIsAtWork) {
  Board board = resting();
  board.step = board.output = board.deadline = board.now;
  board.unit = request(board.now);
  ASSERT_NE(choose(board), Release::kNothing);
  board.quiescent = false;
  EXPECT_EQ(choose(board), Release::kNothing);
}

// --- What is owed
// ---------------------------------------------------------------------------------

TEST(SerialSchedule, OwedStepGoesBeforeAnOutputOfTheSameMoment) {
  Board board = outstanding();
  board.step = board.output = at(120);
  EXPECT_EQ(choose(board), Release::kStep);
}

TEST(SerialSchedule, OutputGoesBeforeALaterStep) {
  Board board = outstanding();
  board.step = at(120);
  board.output = at(119);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(SerialSchedule, WhatIsOwedGoesBeforeTheNextRequestOfTheSameMoment) {
  Board board = resting();
  board.unit = request(at(120));
  board.output = at(120);
  EXPECT_EQ(choose(board), Release::kOutput);
  board.output = at(121);
  EXPECT_EQ(choose(board), Release::kUnit);
}

// --- Time-outs
// ------------------------------------------------------------------------------------

TEST(SerialSchedule, TimeOutThatComesFirstFires) {
  Board board = outstanding();
  board.output = at(150);
  board.deadline = at(149);
  EXPECT_EQ(choose(board), Release::kDeadline);
}

TEST(SerialSchedule, AnswerThatComesAtTheVeryTimeOutIsInTime) {
  Board board = outstanding();
  board.output = board.deadline = at(150);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(SerialSchedule, TimeOutBeforeTheNextRequestFires) {
  Board board = resting();
  board.unit = request(at(500));
  board.deadline = at(300);
  EXPECT_EQ(choose(board), Release::kDeadline);
  board.deadline = at(600);
  EXPECT_EQ(choose(board), Release::kUnit);
}

TEST(SerialSchedule, TimeOutOfTheOutstandingExchangeFiresBeforeALaterRequestIsReleased) {
  Board board = outstanding();
  board.unit = request(at(150));
  board.deadline = at(190);
  EXPECT_EQ(choose(board), Release::kDeadline);
}

TEST(SerialSchedule, TimeOutLongAfterTheAnswerWasDueIsNoPartOfTheExchange) {
  Board board = outstanding();
  board.unit = request(at(150));
  board.deadline = at(5000);
  EXPECT_EQ(choose(board), Release::kUnitEarly);
}

TEST(SerialSchedule, NothingElseCanHappenThenTimePasses) {
  Board board = outstanding();
  board.deadline = at(5000);
  EXPECT_EQ(choose(board), Release::kDeadline);
}

// --- Requests
// -------------------------------------------------------------------------------------

TEST(SerialSchedule, RequestThatIsDueWhileNothingIsOutstandingIsReleased) {
  Board board = resting();
  board.unit = request(at(50));  // overdue
  EXPECT_EQ(choose(board), Release::kUnit);
}

TEST(SerialSchedule, RequestWaitsForTheAnswerThatIsOutstandingThoughItIsDue) {
  Board board = outstanding();
  board.unit = request(at(50));
  board.output = at(180);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(SerialSchedule,
     LaterRequestSeenBeforeTheOutstandingAnswerIsReleasedEarlyWhenNothingElseHelps) {
  Board board = outstanding();
  board.unit = request(at(199));
  EXPECT_EQ(choose(board), Release::kUnitEarly);
}

TEST(SerialSchedule, LaterRequestRecordedAfterTheOutstandingAnswerNeverHelpsIt) {
  Board board = outstanding();
  board.unit = request(at(200));
  EXPECT_EQ(choose(board), Release::kGiveUp);
}

TEST(SerialSchedule, ConnectionThatOpenedDuringAnExchangeOpensDuringIt) {
  Board board = outstanding();
  board.unit = other_unit(at(150));
  board.output = at(180);
  EXPECT_EQ(choose(board), Release::kUnit);
}

TEST(SerialSchedule, ConnectionThatOpenedAfterTheAnswerWaitsForIt) {
  Board board = outstanding();
  board.unit = other_unit(at(200));
  board.output = at(300);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(SerialSchedule, ExchangeThatRunsLateTakesWhatHappenedDuringItAlong) {
  Board board = outstanding();
  board.outstanding_end = at(300);   // 100 ms late
  board.unit = other_unit(at(150));  // due at 250, then
  board.output = at(249);
  EXPECT_EQ(choose(board), Release::kOutput);
  board.output = at(251);
  EXPECT_EQ(choose(board), Release::kUnit);
}

// --- Dead ends
// ------------------------------------------------------------------------------------

TEST(SerialSchedule, ExchangeWithoutARecordedAnswerIsGivenUpAtOnce) {
  Board board = outstanding();
  board.outstanding_answered = false;
  board.deadline = at(110);
  board.unit = request(at(150));
  EXPECT_EQ(choose(board), Release::kGiveUp);
}

TEST(SerialSchedule, ExchangeWithoutARecordedAnswerStillGetsWhatItIsOwed) {
  Board board = outstanding();
  board.outstanding_answered = false;
  board.step = at(150);
  EXPECT_EQ(choose(board), Release::kStep);
}

TEST(SerialSchedule, AnswerBehindBytesTheServiceLeavesUnreadIsForcedOnItBeforeGivingUp) {
  Board board = outstanding();
  board.blocked_output = true;
  EXPECT_EQ(choose(board), Release::kForcedOutput);
  board.blocked_output = false;
  EXPECT_EQ(choose(board), Release::kGiveUp);
}

TEST(SerialSchedule, RequestToAPortNobodyListensOnWaitsAsLongAsTimeMayHelp) {
  Board board = resting();
  board.unit = request(at(150));
  board.unit->ready = false;
  board.deadline = at(5000);
  EXPECT_EQ(choose(board), Release::kDeadline);
  board.deadline.reset();
  EXPECT_EQ(choose(board), Release::kNotListening);
}

TEST(SerialSchedule, RequestToAPortNobodyListensOnIsNeverReleasedEarly) {
  Board board = outstanding();
  board.unit = request(at(150));
  board.unit->ready = false;
  EXPECT_EQ(choose(board), Release::kGiveUp);
}

TEST(SerialSchedule, FinishesWhenEverythingWasReleasedAndAnswered) {
  EXPECT_EQ(choose(resting()), Release::kFinish);
}

TEST(SerialSchedule, TimersOfAServiceThatIsDoneKeepNoReplayGoing) {
  Board board = resting();
  board.deadline = at(110);
  EXPECT_EQ(choose(board), Release::kFinish);
}

// --- A service that does nothing but tick
// ---------------------------------------------------------

Board ticking(Board board) {
  board.deadline = at(110);
  board.fired = 1'000'000;
  return board;
}

TEST(SerialSchedule, OutstandingExchangeOfAServiceThatOnlyTicksIsGivenUp) {
  Board board = outstanding();
  board.deadline = at(110);
  EXPECT_EQ(choose(board), Release::kDeadline);
  EXPECT_EQ(choose(ticking(board)), Release::kGiveUp);
}

TEST(SerialSchedule, ServiceThatOnlyTicksIsNotWaitedForToListen) {
  Board board = resting();
  board.unit = request(at(150));
  board.unit->ready = false;
  EXPECT_EQ(choose(ticking(board)), Release::kNotListening);
}

TEST(SerialSchedule, SilenceIsSkippedForAServiceThatOnlyTicks) {
  Board board = resting();
  board.unit = request(at(3'600'000));
  board.deadline = at(110);
  EXPECT_EQ(choose(board), Release::kDeadline);
  EXPECT_EQ(choose(ticking(board)), Release::kUnit);
}

}  // namespace
}  // namespace reprise::replayer
