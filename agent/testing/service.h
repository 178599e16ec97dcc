// Runs a program with the capture agent preloaded and an arena to record into.
//
// Threading: one thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/testing/test_arena.h"

namespace reprise::agent::testing {

// The agent under test, within the runfiles.
inline constexpr char kCaptureLibrary[] = "agent/libreprise.so";

struct Outcome {
  int status = 0;      // as waitpid tells it
  std::string output;  // standard output and error

  [[nodiscard]] bool exited_with(int code) const;
  [[nodiscard]] bool killed_by(int signal) const;
};

struct RunOptions {
  std::string library = kCaptureLibrary;  // empty: without the agent
  std::string arena;                      // path to give instead of the arena's own
  std::vector<std::string> environment;   // NAME=value, besides those of this process
  bool drain = true;                      // take records over while the program runs
};

// Runs `command` to its end. A program that hangs is killed by the test's own time-out.
[[nodiscard]] Outcome run_service(TestArena& arena, const std::vector<std::string>& command,
                                  const RunOptions& options = {});

// A program that a test talks to while it runs: its standard input and output are pipes.
class RunningService {
 public:
  RunningService(TestArena& arena, const std::vector<std::string>& command,
                 const RunOptions& options = {});
  ~RunningService();
  RunningService(const RunningService&) = delete;
  RunningService& operator=(const RunningService&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // One line of its output, without the end; empty when there is no more.
  [[nodiscard]] std::string read_line();
  void write_line(const std::string& line);
  // Waits for its end. Once.
  [[nodiscard]] Outcome wait();

 private:
  TestArena& arena_;
  bool drain_;
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffered_;
};

}  // namespace reprise::agent::testing
