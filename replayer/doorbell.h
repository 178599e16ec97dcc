// Waits for the agent's doorbell (agent/abi/arena.h): the agent rings it when a thread begins to
// wait or asks something.
//
// Usage: arm(), look at everything, then wait(): a ring since arm() ends it at once. One thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "agent/abi/arena.h"

namespace reprise::replayer {

class Doorbell {
 public:
  explicit Doorbell(void* arena) : header_(abi::arena_header(arena)) {}

  void arm();
  // True when it rang.
  bool wait(std::chrono::microseconds at_most);

 private:
  abi::ArenaHeader& header_;
  std::uint32_t seen_ = 0;
};

}  // namespace reprise::replayer
