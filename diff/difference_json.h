// The machine-readable form of differences. Field names are a contract.
#pragma once

#include <string>
#include <vector>

#include "diff/difference.h"

namespace reprise::diff {

// One object a difference, each on one line: `exchange` (number in the base, of an extra exchange
// that in the candidate, null outside exchanges), `where`, `kind`, `base`, `candidate` (null where
// that side has none). JSON values are themselves, numbers written as they were sent; everything
// else is a string, with U+FFFD where it is not UTF-8.
std::vector<std::string> difference_lines_json(const ExchangeDifferences& found);

}  // namespace reprise::diff
