// What a replay in real time is asked for. Plain data.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "replayer/ledger.h"
#include "replayer/moment.h"

namespace reprise::replayer {

struct LoadOptions {
  std::uint64_t concurrency = 1;
  std::optional<std::uint64_t> requests;  // exchanges in all
  std::optional<nanoseconds> duration;    // none of both: the recording once
  double rate = 0;                        // exchanges a second, 0: as fast as they are answered

  bool once() const { return !requests && !duration; }
};

struct LiveOptions {
  OnMiss on_miss = OnMiss::kError;
  double speed = 1;                 // timed
  std::optional<LoadOptions> load;  // none: timed
  // Called now and then with how many exchanges are done.
  std::function<void(std::uint64_t done, std::uint64_t of)> on_progress;
};

}  // namespace reprise::replayer
