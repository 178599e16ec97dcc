#include "cli/gdb.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kEntry[] = "reprise_debugger.py";

std::string in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return ::access(program.c_str(), X_OK) == 0 ? program : "";
  }
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = (directory.empty() ? "." : directory) + "/" + program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::string own_program() {
  char path[PATH_MAX] = "";
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return length <= 0 ? "" : std::string(path, static_cast<std::size_t>(length));
}

// PREFIX/share/reprise/gdb; or as Bazel lays it out, where the program itself is a link.
std::string find_scripts() {
  const fs::path as_called(reinterpret_cast<const char*>(::getauxval(AT_EXECFN)));
  for (const fs::path& program : {fs::path(own_program()), as_called}) {
    const fs::path directory = program.parent_path();
    const fs::path places[] = {directory / ".." / "share" / "reprise" / "gdb",
                               directory / ".." / "replayer" / "gdb",
                               directory / "reprise.runfiles" / "reprise" / "replayer" / "gdb"};
    for (const fs::path& place : places) {
      std::error_code error;
      if (fs::exists(place / kEntry, error)) return fs::weakly_canonical(place, error).string();
    }
  }
  return "";
}

bool write(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return static_cast<bool>(file.flush());
}

}  // namespace

tl::expected<Gdb, std::string> Gdb::find(const std::string& program) {
  Gdb gdb;
  gdb.program_ = in_path(program);
  if (gdb.program_.empty()) {
    return tl::unexpected(program.find('/') == std::string::npos
                              ? program +
                                    " is not installed, and `reprise debug` needs it: "
                                    "`apt-get install gdb`, or name one with --gdb"
                              : program + " is no program that can be run");
  }
  gdb.scripts_ = find_scripts();
  if (gdb.scripts_.empty()) {
    return tl::unexpected(std::string(
        "the gdb commands of reprise are missing (share/reprise/gdb beside its bin); install "
        "reprise again (tools/install)"));
  }
  return gdb;
}

tl::expected<std::vector<std::string>, std::string> Gdb::command(const GdbSession& session) const {
  const fs::path directory(session.directory);
  const fs::path description = directory / "gdb.json";
  const fs::path script = directory / "start.gdb";
  const nlohmann::json json = {{"archive", session.archive},
                               {"at", session.at},
                               {"channel", session.channel},
                               {"control", session.control},
                               {"environment", session.environment},
                               {"held_offset", session.held_offset},
                               {"reprise", own_program()}};
  // Python's string syntax has JSON's as a part.
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  const std::string start = "python\nimport sys\nsys.path.insert(0, " + quoted(scripts_) +
                            ")\nimport reprise_debugger\nreprise_debugger.prepare(" +
                            quoted(description.string()) + ")\nend\nreprise start\n";
  if (!write(description, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) ||
      !write(script, start)) {
    return tl::unexpected("cannot write into " + session.directory);
  }
  std::vector<std::string> command = {program_, "-q"};
  if (session.batch) command.push_back("-batch");
  command.insert(command.end(), {"-iex", "set debuginfod enabled off", "-x", script.string()});
  if (!session.working_directory.empty()) {
    command.insert(command.end(), {"-iex", "set cwd " + session.working_directory});
  }
  for (const std::string& file : session.scripts) command.insert(command.end(), {"-x", file});
  command.push_back("--args");
  command.insert(command.end(), session.command.begin(), session.command.end());
  return command;
}

}  // namespace reprise::cli
