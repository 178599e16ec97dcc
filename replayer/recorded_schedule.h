// Everything in the order of the recording: what clients sent, what peers answered, time-outs, and,
// where a thread waits for its turn, what it does next.
//
// All that could happen has a moment on the recording's timeline, and the earliest happens. The
// service rests in between, so nothing else can become possible meanwhile: what the recording had
// before it and the service did not bring about (another build) is waited for no longer. So a
// replay always goes on.
#pragma once

#include "replayer/schedule.h"

namespace reprise::replayer {

class RecordedSchedule final : public Schedule {
 public:
  bool is_as_recorded() const override { return true; }
  Release choose(const Board& board) override;
};

}  // namespace reprise::replayer
