// What a replay in real time measured, in words and as JSON. Stateless.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "replayer/performance.h"

namespace reprise::replayer {

// Lines as ledger_text() has them.
[[nodiscard]] std::string performance_text(const Performance& performance);

// One object; docs/schedules.md names its members.
[[nodiscard]] nlohmann::ordered_json performance_json(const Performance& performance);

}  // namespace reprise::replayer
