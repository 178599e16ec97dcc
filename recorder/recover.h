// Finishes what a killed recorder left: the arena still holds every record that is not in the
// archive.
//
// The archive's own events bring a collector to where the old one was; then the arena is drained
// behind them, each thread from the position the archive has it to, and the archive gets its index.
// Nothing of the session directory is needed afterwards, and it is removed.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "recorder/error.h"
#include "recorder/session.h"
#include "recorder/session_directory.h"

namespace reprise::recorder {

struct RecoveredSession {
  std::string archive;
  bool was_finished = false;   // the archive was whole already; only the directory was left
  bool service_lives = false;  // it goes on, unrecorded
  SessionSummary summary;
};

// `directory` is the session's; `archive` is where its archive is now, "" for where it was.
[[nodiscard]] tl::expected<RecoveredSession, Error> recover(const std::string& directory,
                                                            const std::string& archive);

}  // namespace reprise::recorder
