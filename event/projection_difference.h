// Where two projections differ first. Stateless.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "event/modules.h"
#include "event/projection.h"

namespace reprise::event {

struct ProjectionDifference {
  ContextKey context;
  std::string which;                                // "fact 12", "log line 3", "arrival 2"
  std::string one, other;                           // "clock realtime: 5", "nothing"
  std::optional<CodePlace> one_place, other_place;  // the code that made it, where it is known
  std::set<ContextKey> contexts;                    // all that differ anywhere, the first included
};

// The first thing two projections differ in, in the order of the archives, since what follows it
// may differ because of it. None when they are the same.
[[nodiscard]] std::optional<ProjectionDifference> first_difference(const Projection& one,
                                                                   const Projection& other);

}  // namespace reprise::event
