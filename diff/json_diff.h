// Differences of two JSON values by structure: members by name in whatever order, elements aligned
// so that one inserted element is one difference, numbers by their exact decimal value.
#pragma once

#include <string>

#include "diff/difference.h"
#include "protocol/value/value.h"

namespace reprise::diff {

// Appends to `differences`; `path` is where the values are, "response.body.$". Members whose names
// are not words are written as ["…"].
void compare_json(const protocol::Value& base, const protocol::Value& candidate,
                  const std::string& path, Differences& differences);

}  // namespace reprise::diff
