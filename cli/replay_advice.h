// What to try next when a replay did otherwise than its recording. A pure function.
#pragma once

#include <string>

#include "replayer/ledger.h"
#include "replayer/plan.h"

namespace reprise::cli {

// `alone`: an exchange was replayed without those before it; `serial`: one after the other. One
// line without its end, "" when there is nothing to advise.
[[nodiscard]] std::string replay_advice(const replayer::Plan& plan, const replayer::Ledger& ledger,
                                        bool alone, bool serial);

}  // namespace reprise::cli
