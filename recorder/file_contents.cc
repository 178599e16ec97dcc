#include "recorder/file_contents.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprise::recorder {
namespace {

constexpr std::size_t kMostRemembered = 16 * 1024;

std::string key_of(const event::FileRangeSent& range) {
  const std::uint64_t fields[] = {range.device,      range.inode,       range.file_size,
                                  range.modified_ns, range.file_offset, range.length};
  return {reinterpret_cast<const char*>(fields), sizeof fields};
}

bool has_identity(int file, const event::FileRangeSent& range) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return false;
  const std::uint64_t modified = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                                 static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  return status.st_dev == range.device && status.st_ino == range.inode &&
         static_cast<std::uint64_t>(status.st_size) == range.file_size &&
         modified == range.modified_ns;
}

// The file under the name the service knows it by, else under ours.
int open_as_seen_by(std::int32_t pid, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const std::string through_root = "/proc/" + std::to_string(pid) + "/root" + path;
  const int file = ::open(through_root.c_str(), kFlags);
  return file >= 0 ? file : ::open(path.c_str(), kFlags);
}

bool read_range(int file, std::uint64_t offset, event::Bytes& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> FileContents::read(const event::FileRangeSent& range, std::int32_t pid,
                                                std::string& why) {
  std::string key = key_of(range);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;

  const int file = open_as_seen_by(pid, range.path);
  if (file < 0) {
    why = "cannot open " + range.path + ", which was sent by reference: " + std::strerror(errno);
    return std::nullopt;
  }
  event::Bytes bytes(range.length);
  const bool whole = has_identity(file, range) && read_range(file, range.file_offset, bytes) &&
                     has_identity(file, range);
  ::close(file);
  if (!whole) {
    why = range.path + " changed while it was sent by reference";
    return std::nullopt;
  }
  if (known_.size() >= kMostRemembered) known_.clear();
  return known_.emplace(std::move(key), store_(bytes)).first->second;
}

}  // namespace reprise::recorder
