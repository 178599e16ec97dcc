// Threads of the service that say nothing: they have just been made, or have said their last and
// are on their way out. Who joins a thread waits until the kernel has seen the end of it.
//
// Ownership: borrows the threads. Threading: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "replayer/threads.h"

namespace reprise::replayer {

// The state in a /proc/PID/task/TID/stat (R, S, D, T, t, Z, X as in proc(5)), 0 when there is none.
[[nodiscard]] char task_state(std::string_view stat);

class SilentThreads {
 public:
  explicit SilentThreads(const Threads& threads) : threads_(threads) {}
  ~SilentThreads();
  SilentThreads(const SilentThreads&) = delete;
  SilentThreads& operator=(const SilentThreads&) = delete;

  // Whether a thread runs in the process of one of `live`, ThreadSlots of all that speak, and is
  // none of them.
  [[nodiscard]] bool any(const std::vector<std::uint32_t>& live);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  // A thread that runs for so long is neither made nor ended: no hook ever saw it.
  static constexpr std::chrono::seconds kPatience{2};

  struct Process {
    std::int32_t pid = 0;
    int tasks = -1;                                     // its /proc/PID/task
    std::unordered_map<std::int32_t, Instant> running;  // silent ones by tid, since when
  };

  Process& process_at(std::uint32_t index, std::int32_t pid);
  static bool runs(Process& process, std::int32_t tid);

  const Threads& threads_;
  std::unordered_map<std::uint32_t, Process> processes_;  // by ProcessSlot
};

}  // namespace reprise::replayer
