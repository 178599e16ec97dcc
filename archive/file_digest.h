// The digest of a file's content, as event::FileOpened has it. Plain function; any thread.
#pragma once

#include <cstdint>
#include <optional>

namespace reprise::archive {

// xxh3-64 of the first `size` bytes of an open file; none when they cannot be read. The file's own
// offset stays.
[[nodiscard]] std::optional<std::uint64_t> file_digest(int file, std::uint64_t size);

// Larger files are compared by their size only: reading them would hold up who waits.
inline constexpr std::uint64_t kLargestDigested = std::uint64_t{16} << 20;

}  // namespace reprise::archive
