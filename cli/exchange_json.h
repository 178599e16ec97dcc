// The machine-readable forms of what ls and show print. Field names are a contract.
#pragma once

#include <string>
#include <vector>

#include "archive/format.h"
#include "cli/exchange_view.h"
#include "event/exchange.h"

namespace reprise::cli {

// One line without its end. Text that is not UTF-8 has U+FFFD where it is not; bodies are exact.
std::string exchange_line_json(const archive::Header& header, const event::Exchange& exchange);

// The same fields and the contents of the exchange, indented.
std::string exchange_json(const archive::Header& header, const ExchangeView& view);

}  // namespace reprise::cli
