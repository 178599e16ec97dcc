// What an archive holds, in numbers: from its trailer, or counted when it has none.
#pragma once

#include <optional>

#include "archive/reader.h"

namespace reprise::cli {

struct ArchiveTotals {
  archive::Trailer counts;
  bool counted = false;  // by reading everything: the archive was not finished
};

ArchiveTotals totals_of(archive::Reader& reader);

}  // namespace reprise::cli
