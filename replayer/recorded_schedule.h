// Everything in the order of the recording: what clients sent, what peers answered, time-outs, and,
// where a thread waits for its turn, what it does next.
//
// All that could happen has a moment on the recording's timeline, and the earliest happens. The
// service rests in between, so nothing else can become possible meanwhile.
//
// An answer that the recording had before what a client sends next is waited for, for as long as
// anything is left that may bring it about: a thread that waits for its turn may hold the lock that
// another one needs. Then the wait expires: another build left the recorded order, which the ledger
// tells, and the replay goes on.
#pragma once

#include "replayer/schedule.h"

namespace reprise::replayer {

class RecordedSchedule final : public Schedule {
 public:
  bool is_as_recorded() const override { return true; }
  Release choose(const Board& board) override;
};

}  // namespace reprise::replayer
