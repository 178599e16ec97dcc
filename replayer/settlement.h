// Closes the account of one exchange: was the answer the recorded one, were all calls made, did the
// program's own code draw as often? What differs goes into the ledger.
#pragma once

#include "replayer/draw_tally.h"
#include "replayer/driver.h"
#include "replayer/stage.h"

namespace reprise::replayer {

// `replayed`: draws of this replay in that exchange.
void settle(Stage& stage, const DrivenExchange& exchange, const DrawTally::Counts& replayed);

}  // namespace reprise::replayer
