// What the kernel knows of an open file. Plain functions; any thread, signal handlers too.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

namespace reprise::agent {

inline constexpr std::size_t kLongestPath = 1024;

// Writes the path of the file behind `fd` with its final zero, and returns its length with the
// zero. A path that does not fit is given as an empty one.
std::uint32_t read_descriptor_path(int fd, char (&path)[kLongestPath]);

// When the content last changed, in nanoseconds of Unix time.
inline std::uint64_t modified_ns(const struct stat& status) {
  return static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
}

}  // namespace reprise::agent
