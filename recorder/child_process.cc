#include "recorder/child_process.h"

#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprise::recorder {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// In the child. A group lasts as long as it has members, and whoever leads one cannot begin a
// session, which a daemon does: so the leader is a process that ends at once.
void join_own_group() {
  const pid_t leader = ::fork();
  if (leader == 0) {
    for (;;) ::pause();
  }
  if (leader < 0) return;
  ::setpgid(leader, leader);
  ::setpgid(0, leader);
  ::kill(leader, SIGKILL);
  ::waitpid(leader, nullptr, 0);
}

// In the child: only async-signal-safe calls from here on. Writes errno to `report` and leaves.
[[noreturn]] void execute(const ChildSetting& setting, char** arguments, char** environment,
                          int report) {
  if (setting.fixed_addresses) {
    const int now = ::personality(0xffffffff);
    ::personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE);
  }
  if (!setting.working_directory.empty()) {
    [[maybe_unused]] const int stays = ::chdir(setting.working_directory.c_str());
  }
  if (setting.own_group) join_own_group();
  ::sigprocmask(SIG_SETMASK, &setting.signal_mask, nullptr);
  ::execve(setting.path.c_str(), arguments, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

tl::expected<pid_t, Error> start_child(const ChildSetting& setting) {
  std::vector<char*> arguments = pointers(setting.command);
  std::vector<char*> environment = pointers(setting.environment);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) {
    return tl::unexpected(Error{std::string("cannot make a pipe: ") + std::strerror(errno)});
  }
  const pid_t child = ::fork();
  if (child == 0) execute(setting, arguments.data(), environment.data(), report[1]);
  const int fork_error = errno;
  ::close(report[1]);
  if (child < 0) {
    ::close(report[0]);
    return tl::unexpected(
        Error{std::string("cannot start a process: ") + std::strerror(fork_error)});
  }
  // Closed by a successful exec.
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report[0], &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  ::close(report[0]);
  if (got != sizeof error) return child;
  ::waitpid(child, nullptr, 0);
  return tl::unexpected(Error{"cannot execute " + setting.path + ": " + std::strerror(error)});
}

std::vector<Reaped> reap_children(bool& none_left) {
  std::vector<Reaped> reaped;
  none_left = false;
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) none_left = errno == ECHILD;
    if (pid <= 0) return reaped;
    if (WIFEXITED(status)) reaped.push_back({pid, {false, WEXITSTATUS(status)}});
    if (WIFSIGNALED(status)) reaped.push_back({pid, {true, WTERMSIG(status)}});
  }
}

void become_subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

}  // namespace reprise::recorder
