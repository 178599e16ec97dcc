// Closes the account of one exchange: was the answer the recorded one, were all calls made, did the
// program's own code draw as often? What differs goes into the ledger.
#pragma once

#include "replayer/draw_comparison.h"
#include "replayer/driver.h"
#include "replayer/stage.h"

namespace reprise::replayer {

// The response, as soon as it is there.
void settle_response(Stage& stage, const DrivenExchange& exchange);

// Calls and draws. Some are made for an exchange after its answer, even after the client left: this
// is for when that is over. `replayed`: draws of this replay in that exchange.
void settle_work(Stage& stage, const RecordedExchange& recorded, DrawComparison& draws,
                 const DrawTally::Counts& replayed);

}  // namespace reprise::replayer
