// Sizes as people give them on a command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace reprise::cli {

// "65536", "64K", "64M", "2G", also "64MiB"; none when it is no size.
std::optional<std::uint64_t> parse_size(const std::string& text);

}  // namespace reprise::cli
