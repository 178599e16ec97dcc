// Opens a recording for whoever wants its events: as it is when they are in it, else derived from
// its journal.
//
// What was derived from a whole journal takes its place in the file, so it is done once: the new
// file is written beside the old one and renamed over it. Where that cannot be written, and of a
// journal that is not finished or damaged, it is derived into a temporary file that goes with the
// reader.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "archive/reader.h"

namespace reprise::recorder {

// `deriving`: called before a derivation, with the bytes of the journal; may be empty.
[[nodiscard]] tl::expected<std::unique_ptr<archive::Reader>, archive::Error> open_archive(
    const std::string& path, const std::function<void(std::uint64_t bytes)>& deriving = {});

}  // namespace reprise::recorder
