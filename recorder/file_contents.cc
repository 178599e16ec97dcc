#include "recorder/file_contents.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/abi/records.h"
#include "recorder/seen_file.h"

namespace reprise::recorder {
namespace {

constexpr std::size_t kMostRemembered = 16 * 1024;

std::string key_of(const event::FileRangeSent& range) {
  const std::uint64_t fields[] = {range.device,      range.inode,       range.file_size,
                                  range.modified_ns, range.file_offset, range.length};
  return {reinterpret_cast<const char*>(fields), sizeof fields};
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

std::uint64_t file_piece_bytes(std::uint64_t sent) {
  constexpr std::uint64_t kLongest = 4 * 1024 * 1024, kMost = sizeof(abi::FileRange) / 2;
  const std::uint64_t pieces =
      std::clamp<std::uint64_t>((sent + kLongest - 1) / kLongest, 1, kMost);
  return (sent + pieces - 1) / pieces;
}

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
  const FileIdentity identity{range.device, range.inode, range.file_size, range.modified_ns};
  event::Bytes bytes(range.length);
  const bool whole = identity_of(file) == identity && read_range(file, range.file_offset, bytes) &&
                     identity_of(file) == identity;
  ::close(file);
  if (!whole) {
    why = range.path + " changed while it was sent by reference";
    return std::nullopt;
  }
  if (known_.size() >= kMostRemembered) known_.clear();
  return known_.emplace(std::move(key), store_(bytes)).first->second;
}

}  // namespace reprise::recorder
