// Which of the files that the recorded service read at its start are other ones here.
//
// Files are environment: they are not in the archive, only what they were. So this is asked before
// the service is started, of the paths that the recorded one used.
//
// Stateless; any thread. Reads files of at most archive::kLargestDigested bytes each; larger ones,
// and those whose content was not looked at in the recording, are compared by size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "event/event.h"

namespace reprise::replayer {

struct FileDifference {
  std::string path;  // here; what lay in the recorded working directory is looked for in this one
  std::uint64_t recorded_size = 0;  // bytes
  std::optional<std::uint64_t> recorded_digest;
  std::string problem;  // why there is nothing to compare with; "" when there is
  std::uint64_t size = 0;
  std::optional<std::uint64_t> digest;
};

// `recorded_directory` and `directory`: where the recorded service ran, and where this one will; ""
// for the current one.
[[nodiscard]] std::vector<FileDifference> differing_files(
    const std::vector<event::FileOpened>& recorded, const std::string& recorded_directory,
    const std::string& directory);

// "/etc/shop.json: other content than in the recording (1204 bytes each)".
[[nodiscard]] std::string file_difference_text(const FileDifference& difference);

}  // namespace reprise::replayer
