// The ledger in words and as JSON. Stateless.
#pragma once

#include <string>

#include "replayer/ledger.h"

namespace reprise::replayer {

// Several lines for people; long lists are cut with a count of what is left out. Text that came
// from an archive or a service may hold anything: the caller makes it printable, line by line.
[[nodiscard]] std::string ledger_text(const Ledger& ledger);

// The same of a replay without the agent, which knows nothing of answers, draws and coverage.
[[nodiscard]] std::string plain_ledger_text(const Ledger& ledger);

// One object: replayed, fidelity, background, divergences, files, coverage, waits, unattributed,
// deterministic, exit; of a replay in real time performance (performance_report.h).
[[nodiscard]] std::string ledger_json(const Ledger& ledger);

}  // namespace reprise::replayer
