#include "replayer/recorded_schedule.h"

namespace reprise::replayer {
namespace {

// Time-outs that fire one after the other while nothing else happens. What the recording has next
// waits for more of them than an end does, to which a service that does nothing but tick gets no
// nearer.
constexpr std::uint64_t kMostTicks = 1000;
constexpr std::uint64_t kMostTicksToNext = 100'000;

struct Next {
  Release release = Release::kNothing;
  Moment at = kNever;

  // Of two things of one moment the one that was offered first comes first.
  void offer(Release other, const std::optional<Moment>& moment) {
    if (moment && *moment < at) *this = {other, *moment};
  }
};

// What a client sends, in the recording after an answer that is not there.
Release bring_about_answer(const Board& board) {
  if (board.turn) return Release::kTurn;
  return board.output ? Release::kOutput : Release::kExpire;
}

Release at_the_end(const Board& board) {
  if (board.outstanding && board.blocked_output) return Release::kForcedOutput;
  const bool waits_for_time = board.outstanding || board.unit;
  if (waits_for_time && board.deadline && board.fired < kMostTicks) return Release::kDeadline;
  if (board.outstanding) return Release::kGiveUp;
  return board.unit ? Release::kNotListening : Release::kFinish;
}

}  // namespace

Release RecordedSchedule::choose(const Board& board) {
  if (!board.quiescent) return Release::kNothing;
  Next next;
  next.offer(Release::kTurn, board.turn);
  next.offer(Release::kStep, board.step);
  next.offer(Release::kOutput, board.output);
  if (board.unit && board.unit->ready) next.offer(Release::kUnit, board.unit->recorded);
  if (next.release == Release::kNothing) return at_the_end(board);
  if (board.fired < kMostTicksToNext) next.offer(Release::kDeadline, board.deadline);
  const bool from_client = next.release == Release::kUnit || next.release == Release::kStep;
  if (from_client && board.answer_expected && *board.answer_expected < next.at) {
    return bring_about_answer(board);
  }
  return next.release;
}

}  // namespace reprise::replayer
