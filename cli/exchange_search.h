// Finds the exchanges in which a text occurs: the way from a line of the service's log, or a
// request id that a customer sent, to the exchange it belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "archive/reader.h"

namespace reprise::cli {

// Ids of exchanges that have `text` in their request, response, external calls or log lines, as
// sent or once bodies are decoded (chunked, gzip, deflate). Reads the archive once from front to
// back, and those exchanges again whose bodies are coded; memory grows with the number of
// connections only.
std::unordered_set<std::uint64_t> find_exchanges(archive::Reader& reader, const std::string& text);

}  // namespace reprise::cli
