// Real time between releases, for a replay that does not skip silence.
//
// The virtual clock still starts where the recording did, stands still while the service works and
// moves with what is released. Only a release waits until as much real time has passed since the
// one before as the recording has between them.
//
// Threading: one thread.
#pragma once

#include <chrono>

#include "replayer/moment.h"
#include "replayer/schedule.h"

namespace reprise::replayer {

// When what a schedule chose from `board` is due; at once for what has no moment of its own.
[[nodiscard]] Moment due_of(Release what, const Board& board);

class RealTime {
 public:
  using Clock = std::chrono::steady_clock;

  // `passes` false: silence is skipped.
  RealTime(bool passes, Clock::time_point now) : passes_(passes), since_(now) {}

  // What is left until something may be released that moves the virtual clock by `move`.
  nanoseconds left(nanoseconds move, Clock::time_point now) const;
  // Something was, which moved the clock by `move`.
  void released(nanoseconds move, Clock::time_point now);

  nanoseconds skipped() const { return skipped_; }  // silence that took no real time
  nanoseconds waited() const { return waited_; }    // silence that did

 private:
  bool passes_;
  Clock::time_point since_;
  nanoseconds skipped_{0}, waited_{0};
};

}  // namespace reprise::replayer
