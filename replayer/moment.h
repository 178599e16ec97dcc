// Points in time on the recording's timeline.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

#include "archive/format.h"
#include "event/ids.h"

namespace reprise::replayer {

using std::chrono::nanoseconds;

// CLOCK_MONOTONIC of the recorded host, in nanoseconds. The virtual clock of a replay starts as the
// recording did and counts on this scale.
struct Moment {
  std::int64_t ns = 0;

  friend constexpr auto operator<=>(const Moment&, const Moment&) = default;
  friend constexpr Moment operator+(Moment moment, nanoseconds span) {
    return {moment.ns + span.count()};
  }
  friend constexpr nanoseconds operator-(Moment later, Moment earlier) {
    return nanoseconds{later.ns - earlier.ns};
  }
};

inline constexpr Moment kNever{INT64_MAX};

// Turns the stamps of one archive into moments.
class Timeline {
 public:
  explicit Timeline(const archive::Header& header) : header_(&header) {}

  Moment at(event::Stamp stamp) const {
    return {header_->monotonic_epoch_ns + header_->nanoseconds(header_->epoch, stamp)};
  }
  // CLOCK_REALTIME minus CLOCK_MONOTONIC on the recorded host.
  nanoseconds realtime_offset() const {
    return nanoseconds{header_->realtime_epoch_ns - header_->monotonic_epoch_ns};
  }

 private:
  const archive::Header* header_;  // borrowed
};

}  // namespace reprise::replayer
