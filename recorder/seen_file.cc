#include "recorder/seen_file.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace reprise::recorder {

int open_as_seen_by(std::int32_t pid, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const std::string through_root = "/proc/" + std::to_string(pid) + "/root" + path;
  const int file = ::open(through_root.c_str(), kFlags);
  return file >= 0 ? file : ::open(path.c_str(), kFlags);
}

std::optional<FileIdentity> identity_of(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                      static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                          static_cast<std::uint64_t>(status.st_mtim.tv_nsec)};
}

}  // namespace reprise::recorder
