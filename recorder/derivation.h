// Journal to archive: what a recorder took down (recorder/journal.h) becomes events, connections,
// exchanges and calls, by the same collector that makes them at once in a replay.
//
// A derivation depends on the journal alone. It may be made anew as often as one likes, on another
// machine, years later, and of a recording that still goes on.
//
// A journal is untrusted input like any archive. What is missing in it becomes a Gap.
//
// Ownership: borrows what it is given. Threading: one thread.
#pragma once

#include <tl/expected.hpp>

#include "archive/reader.h"
#include "archive/writer.h"

namespace reprise::recorder {

// Writes all that follows from `journal` into `archive`, which is new, without its end.
[[nodiscard]] tl::expected<void, archive::Error> derive(archive::Reader& journal,
                                                        archive::Writer& archive,
                                                        archive::Trailer& trailer);

}  // namespace reprise::recorder
