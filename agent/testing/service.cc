#include "agent/testing/service.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace reprise::agent::testing {
namespace {

std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  std::array<char, 4096> resolved{};
  return realpath(path.c_str(), resolved.data()) != nullptr ? resolved.data() : path;
}

[[noreturn]] void execute(TestArena& arena, const std::vector<std::string>& command,
                          const RunOptions& options, int input, int output) {
  dup2(input, 0);
  dup2(output, 1);
  dup2(output, 2);
  closefrom(3);
  if (!options.library.empty()) setenv("LD_PRELOAD", absolute(options.library).c_str(), 1);
  setenv(abi::kArenaVariable, options.arena.empty() ? arena.path().c_str() : options.arena.c_str(),
         1);
  for (std::string variable : options.environment) {
    const std::size_t equals = variable.find('=');
    setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

bool Outcome::exited_with(int code) const {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

bool Outcome::killed_by(int signal) const {
  return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

RunningService::RunningService(TestArena& arena, const std::vector<std::string>& command,
                               const RunOptions& options)
    : arena_(arena), drain_(options.drain) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (pipe(input.data()) != 0 || pipe(output.data()) != 0) abort();
  pid_ = fork();
  if (pid_ == 0) execute(arena, command, options, input[0], output[1]);
  close(input[0]);
  close(output[1]);
  input_ = input[1];
  output_ = output[0];
}

RunningService::~RunningService() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (input_ >= 0) close(input_);
  if (output_ >= 0) close(output_);
}

std::string RunningService::read_line() {
  std::size_t end;
  while ((end = buffered_.find('\n')) == std::string::npos) {
    pollfd ready{output_, POLLIN, 0};
    constexpr int kDrainIntervalMs = 1;
    const int found = poll(&ready, 1, kDrainIntervalMs);
    if (drain_) arena_.drain();
    if (found <= 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t count = read(output_, bytes.data(), bytes.size());
    if (count <= 0) break;
    buffered_.append(bytes.data(), static_cast<std::size_t>(count));
  }
  std::string line = buffered_.substr(0, end);
  buffered_.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

void RunningService::write_line(const std::string& line) {
  const std::string text = line + "\n";
  if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) abort();
}

Outcome RunningService::wait() {
  close(input_);
  input_ = -1;
  Outcome run;
  for (;;) {
    pollfd ready{output_, POLLIN, 0};
    constexpr int kDrainIntervalMs = 1;
    const int found = poll(&ready, 1, kDrainIntervalMs);
    if (drain_) arena_.drain();
    if (found <= 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t count = read(output_, bytes.data(), bytes.size());
    if (count <= 0) break;
    buffered_.append(bytes.data(), static_cast<std::size_t>(count));
  }
  waitpid(pid_, &run.status, 0);
  pid_ = -1;
  run.output = std::move(buffered_);
  return run;
}

Outcome run_service(TestArena& arena, const std::vector<std::string>& command,
                    const RunOptions& options) {
  return RunningService(arena, command, options).wait();
}

}  // namespace reprise::agent::testing
