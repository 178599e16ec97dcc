// Finishes what a killed recorder left: the arena still holds every record that is not in the
// archive.
//
// The journal says up to where it has each thread; the arena is drained behind that, and the
// journal gets its end. Nothing of the session directory is needed afterwards, and it is removed.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "recorder/error.h"
#include "recorder/session_directory.h"

namespace reprise::recorder {

struct RecoveredSession {
  std::string archive;
  bool was_finished = false;   // the archive was whole already; only the directory was left
  bool was_replay = false;     // without a journal: its archive stays as it was cut off
  bool service_lives = false;  // it goes on, unrecorded
};

// `directory` is the session's; `archive` is where its archive is now, "" for where it was.
[[nodiscard]] tl::expected<RecoveredSession, Error> recover(const std::string& directory,
                                                            const std::string& archive);

}  // namespace reprise::recorder
