#include "recorder/start_files.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "archive/file_digest.h"
#include "recorder/seen_file.h"

namespace reprise::recorder {
namespace {

// Of all files together: the recorder has other things to do while a service starts.
constexpr std::uint64_t kMostDigested = std::uint64_t{256} << 20;
constexpr char kTimeZoneFile[] = "/etc/localtime";

// What the kernel makes up when it is read; each machine has its own.
bool is_made_up(std::string_view path) {
  return path.starts_with("/proc/") || path.starts_with("/sys/") || path.starts_with("/dev/");
}

std::optional<std::uint64_t> digest(const event::FileOpened& file, std::int32_t pid) {
  const int opened = open_as_seen_by(pid, file.path);
  if (opened < 0) return std::nullopt;
  const FileIdentity identity{file.device, file.inode, file.file_size, file.modified_ns};
  std::optional<std::uint64_t> found;
  if (identity_of(opened) == identity) found = archive::file_digest(opened, file.file_size);
  if (identity_of(opened) != identity) found.reset();
  ::close(opened);
  return found;
}

}  // namespace

bool StartFiles::take(event::FileOpened& file, std::int32_t pid) {
  file.digest.reset();
  if (over_ || is_made_up(file.path) || told_.size() >= kMostStartFiles) return false;
  if (!told_.emplace(file.path, file.file_size, file.modified_ns).second) return false;
  if (file.file_size <= archive::kLargestDigested && digested_ + file.file_size <= kMostDigested) {
    digested_ += file.file_size;
    file.digest = digest(file, pid);
  }
  return true;
}

std::optional<event::FileOpened> StartFiles::time_zone(
    const std::vector<std::string>& environment) {
  const bool named = std::ranges::any_of(
      environment, [](const std::string& variable) { return variable.starts_with("TZ="); });
  if (named) return std::nullopt;
  const int opened = open_as_seen_by(::getpid(), kTimeZoneFile);
  const auto identity = opened < 0 ? std::nullopt : identity_of(opened);
  if (opened >= 0) ::close(opened);
  if (!identity) return std::nullopt;
  event::FileOpened file{kTimeZoneFile,  identity->device,      identity->inode,
                         identity->size, identity->modified_ns, std::nullopt};
  if (!take(file, ::getpid())) return std::nullopt;
  return file;
}

}  // namespace reprise::recorder
