#include "replayer/real_time.h"

#include <algorithm>
#include <optional>

namespace reprise::replayer {

Moment due_of(Release what, const Board& board) {
  std::optional<Moment> due;
  if (what == Release::kStep) due = board.step;
  if (what == Release::kOutput) due = board.output;
  if (what == Release::kDeadline) due = board.deadline;
  if (what == Release::kTurn) due = board.turn;
  if (what == Release::kUnit && board.unit) due = board.unit->recorded;
  return std::max(board.now, due.value_or(board.now));
}

nanoseconds RealTime::left(nanoseconds move, Clock::time_point now) const {
  if (!passes_) return nanoseconds{0};
  return std::max(nanoseconds{0}, move - nanoseconds{now - since_});
}

void RealTime::released(nanoseconds move, Clock::time_point now) {
  since_ = now;
  (passes_ ? waited_ : skipped_) += move;
}

}  // namespace reprise::replayer
