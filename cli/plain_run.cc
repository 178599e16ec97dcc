#include "cli/plain_run.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "replayer/live/plain_replay.h"

namespace reprise::cli {
namespace {

// Real time a service has to end after SIGTERM, before it is killed.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kLookEvery{5};

// The service as a child of this process. Ends it when destroyed.
class PlainService {
 public:
  PlainService() = default;
  ~PlainService() { end(); }
  PlainService(const PlainService&) = delete;
  PlainService& operator=(const PlainService&) = delete;

  // 0, or errno.
  int start(const RunSetting& setting) {
    std::vector<char*> words;
    for (const std::string& word : setting.target.program) {
      words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, setting.out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, setting.err, STDERR_FILENO);
    if (!setting.directory.empty()) {
      ::posix_spawn_file_actions_addchdir_np(&actions, setting.directory.c_str());
    }
    const int error =
        ::posix_spawnp(&pid_, words.front(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) pid_ = 0;
    return error;
  }

  bool alive() {
    if (pid_ == 0) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
    using How = event::ProcessExited::How;
    exit_ = WIFSIGNALED(status) ? event::ProcessExited{How::kSignal, WTERMSIG(status)}
                                : event::ProcessExited{How::kCode, WEXITSTATUS(status)};
    pid_ = 0;
    return false;
  }

  std::optional<event::ProcessExited> end() {
    if (alive()) ::kill(pid_, SIGTERM);
    const auto limit = std::chrono::steady_clock::now() + kPatience;
    while (alive()) {
      if (std::chrono::steady_clock::now() > limit) ::kill(pid_, SIGKILL);
      std::this_thread::sleep_for(kLookEvery);
    }
    return exit_;
  }

 private:
  pid_t pid_ = 0;
  std::optional<event::ProcessExited> exit_;
};

}  // namespace

tl::expected<RunResult, ExitCode> run_plain(const replayer::Plan& plan, const RunSetting& setting,
                                            std::optional<std::uint16_t> port, Terminal& terminal) {
  replayer::LiveOptions options = setting.schedule.live();
  options.on_progress = setting.on_progress;
  replayer::PlainReplay replay(plan, std::move(options), port);
  PlainService service;
  if (const int error = service.start(setting); error != 0) {
    terminal.error("cannot start " + setting.target.program.front() + ": " + std::strerror(error));
    return tl::unexpected(ExitCode::kUsage);
  }
  const auto replayed = replay.run([&service] { return service.alive(); });
  const auto exit = service.end();
  if (!replayed) {
    terminal.error(replayed.error().message);
    return tl::unexpected(ExitCode::kUsage);
  }
  RunResult result{replay.ledger(), false};
  result.ledger.exit = exit;
  return result;
}

}  // namespace reprise::cli
