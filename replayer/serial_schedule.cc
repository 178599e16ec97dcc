#include "replayer/serial_schedule.h"

#include <algorithm>

namespace reprise::replayer {
namespace {

// Time-outs that fire one after the other while nothing is released. A service that does nothing
// but tick gets no further by more of them.
constexpr std::uint64_t kMostTicks = 1000;
// A deadline this long after an answer was due is no part of the exchange.
constexpr nanoseconds kGrace = std::chrono::milliseconds(50);

// The earliest of what belongs to units that were released; a step before an output.
struct Next {
  Release release = Release::kNothing;
  Moment due = kNever;
};

Next next_owed(const Board& board) {
  Next next;
  if (board.step) next = {Release::kStep, *board.step};
  if (board.output && *board.output < next.due) next = {Release::kOutput, *board.output};
  return next;
}

// What was recorded after the answer to what is outstanding comes after it; a request does in any
// case.
bool blocked(const Board& board) {
  return board.outstanding &&
         (board.unit->starts_exchange || board.unit->recorded >= board.outstanding_recorded_end);
}

// While an exchange is outstanding, its time is that of everything else.
Moment unit_due(const Board& board) {
  const nanoseconds shift =
      board.outstanding ? board.outstanding_end - board.outstanding_recorded_end : nanoseconds{0};
  return std::max(board.now, board.unit->recorded + shift);
}

Release stuck(const Board& board) {
  if (board.outstanding) return Release::kGiveUp;
  if (board.unit && !board.unit->ready) return Release::kNotListening;
  return board.unit ? Release::kUnit : Release::kFinish;
}

}  // namespace

Release SerialSchedule::choose(const Board& board) {
  if (!board.quiescent) return Release::kNothing;
  const bool may_tick = board.deadline && board.fired < kMostTicks;
  Next next = next_owed(board);
  if (board.unit && board.unit->ready && !blocked(board)) {
    const Moment due = unit_due(board);
    if (due < next.due) next = {Release::kUnit, due};
  }
  if (next.release != Release::kNothing) {
    return may_tick && *board.deadline < next.due ? Release::kDeadline : next.release;
  }
  if (board.outstanding) {
    if (!board.outstanding_answered) return Release::kGiveUp;
    // Its own time-outs come first: those before its answer was recorded.
    if (may_tick && *board.deadline <= board.outstanding_end + kGrace) return Release::kDeadline;
    if (board.unit && board.unit->ready && board.unit->recorded < board.outstanding_recorded_end) {
      return Release::kUnitEarly;
    }
    if (board.blocked_output) return Release::kForcedOutput;
  }
  const bool waits_for_time = board.outstanding || board.unit;
  if (may_tick && waits_for_time) return Release::kDeadline;
  return stuck(board);
}

}  // namespace reprise::replayer
