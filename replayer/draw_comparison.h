// By which draws an exchange differs from the recorded one.
//
// For whom a draw was made one run may know and the other one not. So where an exchange drew more
// often than recorded, those that are nobody's in the recording may be the others, and the other
// way round. Such draws are excused, each once, and counted.
//
// Ownership: borrows the tallies. Thread-compatible.
#pragma once

#include <cstdint>
#include <vector>

#include "event/event.h"
#include "replayer/draw_tally.h"

namespace reprise::replayer {

struct DrawDifference {
  DrawSource source;
  std::uint64_t recorded = 0, replayed = 0;
};

class DrawComparison {
 public:
  DrawComparison(const DrawTally& recorded, const DrawTally& replayed)
      : recorded_(recorded), replayed_(replayed) {}

  // `replayed` is what this replay drew in the exchange that is `exchange` in the recording.
  std::vector<DrawDifference> compare(event::ExchangeId exchange,
                                      const DrawTally::Counts& replayed);
  std::uint64_t excused() const { return excused_; }

 private:
  // Whether `missing` draws that one run does not have in an exchange are left among those that
  // are nobody's there; they are not any more then.
  bool excuse(const DrawTally::Counts& of_nobody, DrawTally::Counts& used, DrawSource source,
              std::uint64_t missing);

  const DrawTally& recorded_;
  const DrawTally& replayed_;
  DrawTally::Counts used_recorded_, used_replayed_;
  std::uint64_t excused_ = 0;
};

}  // namespace reprise::replayer
