// What a recording lacks of what a replay needs.
//
// Agents of older versions left out facts that were added later; where records were dropped, or a
// recording was cut off, any may be missing. What a replay cannot do without is told before the
// service is started; what it does without is remarked, so that nobody takes its result for more
// than it is.
//
// Ownership: holds words only. Threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "event/ids.h"
#include "replayer/plan.h"

namespace reprise::replayer {

struct Shortfall {
  std::string refusal;               // why nothing can be replayed, and what to do; "" when it can
  std::vector<std::string> remarks;  // what the replay goes without

  // Of a plan for a replay under the schedule `recorded` (`as_recorded`) or another one. `wanted`:
  // the exchange that was asked for.
  [[nodiscard]] static Shortfall of(const Plan& plan, std::optional<event::ExchangeId> wanted,
                                    bool as_recorded);
};

}  // namespace reprise::replayer
