// A file as the service saw it: found under its name, and compared with what the agent noted.
//
// Plain functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace reprise::recorder {

struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0, modified_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Opens the file under the name by which the process knows it, whose root directory may be another
// one, else under ours. -1 with errno when there is none; else the caller closes it.
[[nodiscard]] int open_as_seen_by(std::int32_t pid, const std::string& path);

// Of a file that is open; none when it is no regular one.
[[nodiscard]] std::optional<FileIdentity> identity_of(int file);

}  // namespace reprise::recorder
