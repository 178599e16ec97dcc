// One exchange at a time, in recorded order.
//
// While an exchange is outstanding, what belongs to it is released as it becomes due: the rest of
// its request, answers to its calls, time-outs it ran into. Only when none of that can help and a
// later request was seen before its answer in the recording (it waited for what that one did), the
// later one is released early. What cannot be answered at all is given up, so that a replay always
// ends.
#pragma once

#include "replayer/schedule.h"

namespace reprise::replayer {

class SerialSchedule final : public Schedule {
 public:
  bool is_as_recorded() const override { return false; }
  Release choose(const Board& board) override;
};

}  // namespace reprise::replayer
