// A replay for tests: an arena, a control file, and a replayer that answers as the test says.
//
// The service is a program launched with libreprise-replay.so; its standard output comes back as
// text. Nothing is decided by time: the test waits for conditions (a question, an activity, the
// end), which the agent's doorbell announces.
//
// Threading: one thread; answers are given while the test waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/abi/control.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent::testing {

// The tape as a test writes it.
struct TestDraw {
  abi::DrawKind kind = abi::DrawKind::kClock;
  std::uint8_t source = 0;
  std::int64_t value = 0;    // of a clock
  std::string bytes;         // of a random draw
  std::uint32_t module = 0;  // 0: the program
};
struct TestEntry {
  std::vector<TestDraw> ready, io;
  std::uint32_t next = abi::kNone;
};

// What an answer is made of; nothing means kRefused.
using Body = std::optional<std::string>;
template <typename Answer>
Body body_of(const Answer& answer) {
  return std::string(reinterpret_cast<const char*>(&answer), sizeof answer);
}

class TestReplay {
 public:
  static constexpr std::int64_t kMonotonicNs = 5'000'000'000'000;
  static constexpr std::int64_t kRealtimeNs = 1'600'000'000'000'000'000;
  static constexpr std::int64_t kClockStepNs = 1'000;

  explicit TestReplay(const std::vector<TestEntry>& tape = {});
  ~TestReplay();
  TestReplay(const TestReplay&) = delete;
  TestReplay& operator=(const TestReplay&) = delete;

  // How questions of one kind are answered. Without a rule: kThread starts at `thread_entry`, all
  // others are refused.
  using Rule = std::function<Body(const std::string& request)>;
  void answer(abi::Ask ask, Rule rule) { rules_[ask] = std::move(rule); }
  std::uint32_t thread_entry = abi::kNone;

  // Starts the program; `preload` false leaves the agent out.
  void launch(const std::vector<std::string>& arguments, bool preload = true);

  // Answers questions until `condition` holds. False when the service ended before, or is stuck.
  [[nodiscard]] bool wait_until(const std::function<bool()>& condition);
  // Until the program has ended; its exit code, or 128 + the signal.
  int wait_for_exit();
  // What it wrote so far.
  const std::string& output();

  // A thread of the service that waits with this activity; none when there is none.
  abi::ThreadSlot* waiting(abi::Activity activity);
  // Waits for one.
  abi::ThreadSlot* wait_for(abi::Activity activity);

  void move_clock_to(std::int64_t monotonic_ns);
  void move_clock_by(std::int64_t ns) { move_clock_to(header().monotonic_ns + ns); }
  void let_time_run();

  abi::ControlHeader& header() { return abi::control_header(base_); }
  abi::Link& link(std::uint32_t number) { return abi::links(base_)[number]; }
  // Adds a mark to a link's ring.
  void publish(std::uint32_t link, const abi::Mark& mark);
  TestArena& arena() { return arena_; }
  pid_t pid() const { return pid_; }
  const std::string& directory() const { return directory_; }

 private:
  void write_tape(const std::vector<TestEntry>& tape);
  void answer_questions();
  void read_output();
  void reap();

  TestArena arena_;
  std::string directory_;
  std::string path_;
  void* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::map<abi::Ask, Rule> rules_;
  pid_t pid_ = 0;
  std::optional<int> exit_;
  int output_fd_ = -1;
  std::string output_;
};

// Where the build put a file of this workspace that the test has in its data.
std::string runfile(const std::string& path);

}  // namespace reprise::agent::testing
