#include <unistd.h>

#include <climits>
#include <filesystem>

#include "recorder/session.h"

namespace reprise::recorder {

tl::expected<std::string, Error> find_agent_library(const std::string& name) {
  char path[PATH_MAX] = "";
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0)
    return tl::unexpected(Error{"cannot find out where reprise itself lies: /proc is needed"});
  const std::filesystem::path program(std::string(path, static_cast<std::size_t>(length)));
  const std::filesystem::path directory = program.parent_path();
  // PREFIX/bin/reprise; bazel-bin/cli/reprise; a test's runfiles have both trees beside each other.
  const std::filesystem::path places[] = {directory / ".." / "lib" / "reprise" / name,
                                          directory / ".." / "agent" / name, directory / name};
  for (const std::filesystem::path& place : places) {
    std::error_code error;
    if (std::filesystem::exists(place, error)) {
      return std::filesystem::weakly_canonical(place, error).string();
    }
  }
  return tl::unexpected(Error{"the agent " + name + " is missing: it belongs in " +
                              places[0].lexically_normal().string() +
                              "; install reprise again (tools/install)"});
}

}  // namespace reprise::recorder
