// Cuts the recorded inbound traffic into the units that a schedule releases.
#pragma once

#include "replayer/plan.h"

namespace reprise::replayer {

// Appends the units of every driven connection and every signal to `plan.units`, in recorded order,
// and counts the exchanges in them. `signals` are units already, without an order.
// Precondition: everything else in `plan` is there.
void cut_units(Plan& plan, const Selection& selection, std::vector<Unit> signals);

}  // namespace reprise::replayer
