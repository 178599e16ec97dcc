#include "replayer/start_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "archive/file_digest.h"

namespace reprise::replayer {
namespace {

namespace fs = std::filesystem;

// A file that lay below the recorded working directory belongs to what is replayed, and is below
// the directory where that runs.
std::string path_here(const std::string& path, const std::string& recorded_directory,
                      const std::string& directory) {
  const std::string below = recorded_directory + "/";
  if (recorded_directory.empty() || !path.starts_with(below)) return path;
  return (fs::path(directory.empty() ? "." : directory) / path.substr(below.size()))
      .lexically_normal()
      .string();
}

// What is at `path`, with the digest if the recorded one has one.
FileDifference look_at(const event::FileOpened& recorded, const std::string& path) {
  FileDifference here{path, recorded.file_size, recorded.digest, "", 0, std::nullopt};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) {
    here.problem = std::strerror(errno);
    return here;
  }
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    here.problem = "no regular file";
  } else {
    here.size = static_cast<std::uint64_t>(status.st_size);
    if (recorded.digest && here.size <= archive::kLargestDigested) {
      here.digest = archive::file_digest(file, here.size);
    }
  }
  ::close(file);
  return here;
}

bool is_same(const FileDifference& here) {
  if (!here.problem.empty() || here.size != here.recorded_size) return false;
  return !here.digest || !here.recorded_digest || here.digest == here.recorded_digest;
}

}  // namespace

std::vector<FileDifference> differing_files(const std::vector<event::FileOpened>& recorded,
                                            const std::string& recorded_directory,
                                            const std::string& directory) {
  // One that changed while the service started is known by several states, and any of them will do.
  std::map<std::string, std::optional<FileDifference>> found;
  for (const event::FileOpened& file : recorded) {
    const std::string path = path_here(file.path, recorded_directory, directory);
    const auto known = found.find(path);
    if (known != found.end() && !known->second) continue;
    FileDifference here = look_at(file, path);
    if (is_same(here)) {
      found[path] = std::nullopt;
    } else {
      found[path] = std::move(here);
    }
  }
  std::vector<FileDifference> differing;
  for (auto& [path, difference] : found) {
    if (difference) differing.push_back(*std::move(difference));
  }
  return differing;
}

std::string file_difference_text(const FileDifference& difference) {
  if (!difference.problem.empty()) {
    return fmt::format("{}: {}; the recorded service read {} bytes", difference.path,
                       difference.problem, difference.recorded_size);
  }
  if (difference.size != difference.recorded_size) {
    return fmt::format("{}: {} bytes; the recorded service read {}", difference.path,
                       difference.size, difference.recorded_size);
  }
  return fmt::format("{}: other content than the recorded service read ({} bytes)", difference.path,
                     difference.size);
}

}  // namespace reprise::replayer
