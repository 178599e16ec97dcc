// What the kernel knows of an open file. Plain functions; the calling thread's own Thread, signal
// handlers included.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

#include "agent/thread.h"

namespace reprise::agent {

inline constexpr std::size_t kLongestPath = 1024;

// Writes the path of the file behind `fd` with its final zero, and returns its length with the
// zero. A path that does not fit is given as an empty one.
std::uint32_t read_descriptor_path(int fd, char (&path)[kLongestPath]);

[[nodiscard]] inline FileState file_state(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000u +
              static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
          S_ISREG(status.st_mode)};
}

// The service was just told this of the file behind `fd`.
void note_look(Thread& thread, int fd, const struct stat& status);
// The state of the file behind `fd`: what the thread was told of it just now, else what the kernel
// says. Zero when that says nothing.
[[nodiscard]] FileState look_at_file(const Thread& thread, int fd);

}  // namespace reprise::agent
