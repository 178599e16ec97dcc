// Real time, and the recording's time that passes with it.
//
// Immutable; any thread.
#pragma once

#include <chrono>
#include <cmath>

#include "replayer/moment.h"

namespace reprise::replayer {

using Instant = std::chrono::steady_clock::time_point;

class LiveTime {
 public:
  // `moment` is now, at `instant`; from there on `speed` seconds of the recording pass in a second.
  LiveTime(Moment moment, Instant instant, double speed)
      : moment_(moment), instant_(instant), speed_(speed) {}

  // When it was `moment`.
  Instant began() const { return instant_; }
  Moment at(Instant instant) const {
    const double passed = static_cast<double>(nanoseconds{instant - instant_}.count());
    return moment_ + nanoseconds{std::llround(passed * speed_)};
  }
  Instant when(Moment moment) const { return instant_ + real((moment - moment_)); }
  // How long that much of the recording takes.
  nanoseconds real(nanoseconds recorded) const {
    return nanoseconds{std::llround(static_cast<double>(recorded.count()) / speed_)};
  }

 private:
  Moment moment_;
  Instant instant_;
  double speed_;
};

}  // namespace reprise::replayer
