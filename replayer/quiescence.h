// Whether the service rests: every thread of it waits, and nobody has been woken.
//
// A thread publishes its activity in its ThreadSlot. That all of them wait is not enough: a thread
// that another one signalled is awake before it says so. So a look takes two equal readings of all
// activity words with a question to the kernel between them: is any thread of the service runnable?
// The answer is the state of each. (The count of runnable threads in /proc/loadavg would be one
// read, but misses those that are on their way to another processor.)
//
// Nor does a service rest while a thread of it says nothing and runs, or a process: that one has
// just been made, or ends, which somebody may wait for (silent_threads.h, unseen_children.h).
//
// A thread that says it runs while the kernel says it sleeps, and which got no processor for
// `kPatience` of real time, is blocked in a call without a hook. It is taken for waiting until it
// moves, and reported once.
//
// Ownership: borrows the threads. Threading: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/abi/arena.h"
#include "replayer/moment.h"
#include "replayer/silent_threads.h"
#include "replayer/threads.h"
#include "replayer/unseen_children.h"

namespace reprise::replayer {

enum class Rest : std::uint8_t {
  kBusy,    // a thread runs; the doorbell rings when it waits
  kWaking,  // every thread says it waits, and one is about to run: look again soon
  kQuiescent,
};

class Quiescence {
 public:
  explicit Quiescence(Threads& threads);
  ~Quiescence();
  Quiescence(const Quiescence&) = delete;
  Quiescence& operator=(const Quiescence&) = delete;

  // Looks once. `now` is the virtual time: a thread whose deadline is reached is about to wake.
  [[nodiscard]] Rest look(Moment now);
  // The earliest deadline of a waiting thread, as of the last look that found quiescence.
  Moment earliest_deadline() const { return earliest_; }

  // What the threads do, for a stuck replay: "thread 0 waits for readiness, thread 3 in recv".
  std::string describe() const;

  // Threads that were found blocked outside of any hook, in words, each once.
  const std::vector<std::string>& unhooked() const { return unhooked_; }

 private:
  static constexpr std::chrono::milliseconds kPatience{250};
  static constexpr std::chrono::milliseconds kDeathNoticed{1};

  enum class Halt : std::uint8_t {
    kNot,
    kBlocked,  // outside of a hook; counted as waiting
    kGone,     // its process died without a word
  };
  struct Running {
    std::uint64_t activity = 0;
    std::int32_t tid = 0;
    std::chrono::steady_clock::time_point since;
    std::string cpu_time;  // /proc/…/schedstat
    // Since when it sleeps without having moved.
    std::optional<std::chrono::steady_clock::time_point> still_since;
  };
  struct LiveThread {
    std::uint32_t slot = 0;
    std::uint64_t activity = 0;
    friend bool operator==(const LiveThread&, const LiveThread&) = default;
  };

  Rest read_activities(Moment now, std::vector<LiveThread>& live);
  Halt halted(std::uint32_t slot, std::uint64_t activity);
  bool somebody_comes_or_goes();
  bool nothing_runnable();
  char kernel_state(std::uint32_t slot);
  bool is_traced(std::uint32_t slot) const;
  std::string kernel_path(std::uint32_t slot, const char* file) const;

  Threads& threads_;
  SilentThreads silent_;
  UnseenChildren children_;
  std::vector<LiveThread> first_, second_;
  std::vector<std::uint32_t> speaking_;                 // slots of first_
  std::uint32_t last_runnable_ = 0;                     // slot
  std::unordered_map<std::uint32_t, Running> running_;  // by slot
  std::unordered_map<std::int32_t, int> state_files_;   // open /proc/…/stat by tid
  Moment earliest_ = kNever;
  std::vector<std::string> unhooked_;
  std::unordered_set<std::int32_t> told_;  // whose thread is in `unhooked_`
};

// What a thread does, for messages: "waits for readiness".
[[nodiscard]] const char* activity_words(abi::Activity activity);

}  // namespace reprise::replayer
