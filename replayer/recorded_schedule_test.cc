#include "replayer/recorded_schedule.h"

#include <gtest/gtest.h>

namespace reprise::replayer {
namespace {

constexpr Moment at(std::int64_t ms) { return {ms * 1'000'000}; }

Board resting() {
  Board board;
  board.now = at(10);
  board.quiescent = true;
  return board;
}

Board::NextUnit request_at(std::int64_t ms) { return {at(ms), true, true}; }

Release choose(const Board& board) { return RecordedSchedule().choose(board); }

TEST(RecordedSchedule, DisturbsNoServiceThatIsAtWork) {
  Board board = resting();
  board.quiescent = false;
  board.unit = request_at(5);
  EXPECT_EQ(choose(board), Release::kNothing);
}

TEST(RecordedSchedule, LaterRequestComesBeforeTheAnswerToAnEarlierOneIfItDidThen) {
  Board board = resting();
  board.outstanding = board.outstanding_answered = true;
  board.outstanding_recorded_end = at(40);
  board.output = at(30);
  board.unit = request_at(20);
  EXPECT_EQ(choose(board), Release::kUnit);
  board.unit = request_at(35);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(RecordedSchedule, RequestThatCameAfterAnAnswerWaitsForItAsLongAsAnythingMayBringIt) {
  Board board = resting();
  board.outstanding = board.outstanding_answered = true;
  board.answer_expected = at(40);
  board.unit = request_at(50);
  board.turn = at(60);
  board.output = at(55);
  EXPECT_EQ(choose(board), Release::kTurn);
  board.turn.reset();
  EXPECT_EQ(choose(board), Release::kOutput);
  board.output.reset();
  EXPECT_EQ(choose(board), Release::kExpire);
  board.answer_expected.reset();
  EXPECT_EQ(choose(board), Release::kUnit);
}

TEST(RecordedSchedule, RequestThatCameBeforeAnAnswerDoesNotWaitForIt) {
  Board board = resting();
  board.answer_expected = at(60);
  board.unit = request_at(50);
  board.turn = at(70);
  EXPECT_EQ(choose(board), Release::kUnit);
}

TEST(RecordedSchedule, ThreadThatWokeRunsBeforeAnythingElseHappens) {
  Board board = resting();
  board.step = at(1);
  board.turn = Moment{INT64_MIN};
  EXPECT_EQ(choose(board), Release::kTurn);
}

TEST(RecordedSchedule, ThreadTakesItsNextStepWhenItWasRecorded) {
  Board board = resting();
  board.turn = at(20);
  board.unit = request_at(15);
  EXPECT_EQ(choose(board), Release::kUnit);
  board.unit = request_at(25);
  EXPECT_EQ(choose(board), Release::kTurn);
}

TEST(RecordedSchedule, TimeOutFiresWhenItIsDueBeforeWhatTheRecordingHasNext) {
  Board board = resting();
  board.deadline = at(15);
  board.output = at(20);
  EXPECT_EQ(choose(board), Release::kDeadline);
  board.deadline = at(25);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(RecordedSchedule, AnswerThatComesAtTheVeryTimeOutIsInTime) {
  Board board = resting();
  board.deadline = board.output = at(20);
  EXPECT_EQ(choose(board), Release::kOutput);
}

TEST(RecordedSchedule, ServiceThatOnlyTicksIsNotTickedForEver) {
  Board board = resting();
  board.deadline = at(15);
  board.unit = request_at(20);
  board.fired = 1'000'000;
  EXPECT_EQ(choose(board), Release::kUnit);
}

TEST(RecordedSchedule, TimePassesForAnExchangeThatNothingElseCanHelp) {
  Board board = resting();
  board.outstanding = true;
  board.deadline = at(5000);
  EXPECT_EQ(choose(board), Release::kDeadline);
  board.deadline.reset();
  EXPECT_EQ(choose(board), Release::kGiveUp);
}

TEST(RecordedSchedule, AnswerBehindBytesTheServiceLeavesUnreadIsForcedOnIt) {
  Board board = resting();
  board.outstanding = board.blocked_output = true;
  EXPECT_EQ(choose(board), Release::kForcedOutput);
}

TEST(RecordedSchedule, RequestToAPortNobodyListensOnIsNeverReleased) {
  Board board = resting();
  board.unit = Board::NextUnit{at(20), true, false};
  EXPECT_EQ(choose(board), Release::kNotListening);
}

TEST(RecordedSchedule, FinishesWhenEverythingWasReleasedAndAnswered) {
  EXPECT_EQ(choose(resting()), Release::kFinish);
}

}  // namespace
}  // namespace reprise::replayer
