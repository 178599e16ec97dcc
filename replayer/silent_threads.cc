#include "replayer/silent_threads.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <string>

namespace reprise::replayer {
namespace {

std::string tasks_path(std::int32_t pid) { return "/proc/" + std::to_string(pid) + "/task"; }

// Links of a /proc/PID/task are its two names and the threads in it; a process that is gone has
// none.
std::size_t tasks_in(int directory) {
  struct stat status {};
  if (::fstat(directory, &status) != 0 || status.st_nlink < 2) return 0;
  return status.st_nlink - 2;
}

std::vector<std::int32_t> tasks_of(std::int32_t pid) {
  std::vector<std::int32_t> tids;
  std::error_code gone;
  for (std::filesystem::directory_iterator at(tasks_path(pid), gone), end; !gone && at != end;
       at.increment(gone)) {
    const std::string name = at->path().filename().string();
    std::from_chars(name.data(), name.data() + name.size(), tids.emplace_back(0));
  }
  return tids;
}

}  // namespace

char task_state(std::string_view stat) {
  // The name between the parentheses may hold anything.
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string_view::npos || name_end + 2 >= stat.size() ? '\0'
                                                                           : stat[name_end + 2];
}

SilentThreads::~SilentThreads() {
  for (const auto& [index, process] : processes_) {
    if (process.tasks >= 0) ::close(process.tasks);
  }
}

SilentThreads::Process& SilentThreads::process_at(std::uint32_t index, std::int32_t pid) {
  Process& process = processes_[index];
  if (process.pid != pid) {
    if (process.tasks >= 0) ::close(process.tasks);
    process = {pid, ::open(tasks_path(pid).c_str(), O_PATH | O_CLOEXEC), {}};
  }
  return process;
}

bool SilentThreads::any(const std::vector<std::uint32_t>& live) {
  std::map<std::uint32_t, std::vector<std::int32_t>> speaking;  // tids by process
  for (const std::uint32_t slot : live) {
    speaking[threads_.thread(slot).process].push_back(threads_.thread(slot).tid);
  }
  for (const auto& [index, tids] : speaking) {
    Process& process = process_at(index, threads_.process(index).pid);
    if (tasks_in(process.tasks) <= tids.size()) {
      process.running.clear();
      continue;
    }
    for (const std::int32_t tid : tasks_of(process.pid)) {
      if (std::ranges::find(tids, tid) == tids.end() && runs(process, tid)) return true;
    }
  }
  return false;
}

bool SilentThreads::runs(Process& process, std::int32_t tid) {
  const std::string path = tasks_path(process.pid) + "/" + std::to_string(tid) + "/stat";
  char text[256];
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t length = file < 0 ? -1 : ::read(file, text, sizeof(text));
  if (file >= 0) ::close(file);
  const char state = length <= 0 ? '\0' : task_state({text, static_cast<std::size_t>(length)});
  if (state != 'R' && state != 'D') {
    process.running.erase(tid);
    return false;
  }
  const Instant now = std::chrono::steady_clock::now();
  const auto [since, added] = process.running.try_emplace(tid, now);
  return now - since->second < kPatience;
}

}  // namespace reprise::replayer
