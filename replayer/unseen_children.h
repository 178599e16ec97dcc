// Child processes of the service that say nothing: they were started and have not loaded the agent
// yet, or have said their last and are on their way out. Who waits for a child, or for what it
// writes to a pipe, waits for them; the service does not rest.
//
// The kernel is asked for a process's children only after the agent said that there is one more or
// one less. What system() and popen() start is not said until the child does so itself.
//
// Ownership: borrows the threads. Threading: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "replayer/threads.h"

namespace reprise::replayer {

class UnseenChildren {
 public:
  explicit UnseenChildren(const Threads& threads) : threads_(threads) {}

  // Whether there is one.
  [[nodiscard]] bool any();

 private:
  using Instant = std::chrono::steady_clock::time_point;
  // A child that is silent for so long is a program without the agent.
  static constexpr std::chrono::seconds kPatience{2};

  // What the agent says of a process's children.
  struct Told {
    std::int32_t pid = 0;
    std::uint32_t made = 0;
    std::uint32_t live = 0;
    friend bool operator==(const Told&, const Told&) = default;
  };

  std::vector<Told> read_slots();
  bool has_unseen(std::int32_t pid);
  bool is_unseen(std::int32_t child);

  const Threads& threads_;
  std::vector<Told> settled_;                        // by ProcessSlot
  std::unordered_map<std::int32_t, Instant> since_;  // unseen ones by pid
  std::vector<std::int32_t> speaking_;               // pids of processes that speak
};

}  // namespace reprise::replayer
