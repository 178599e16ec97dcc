// What a replay in real time tells the ledger. Stateless.
#pragma once

#include "replayer/driver.h"
#include "replayer/ledger.h"
#include "replayer/live/live_options.h"
#include "replayer/performance.h"
#include "replayer/plan.h"

namespace reprise::replayer {

// The response is missing, or of another class of status than the recorded one.
void tell_error(Ledger& ledger, const Plan& plan, const DrivenExchange& exchange);

// What was measured, at the end.
void tell_performance(Ledger& ledger, const Plan& plan, Performance measured,
                      const LiveOptions& options);

}  // namespace reprise::replayer
