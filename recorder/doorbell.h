// Turns the arena's doorbell (a futex the agent rings) into a descriptor that can be waited for
// beside others. One small thread waits for the futex; it touches nothing else.
//
// Only in sessions where somebody rings: replays, and lossless recordings. Thread-compatible.
#pragma once

#include <atomic>
#include <thread>

#include "recorder/arena.h"

namespace reprise::recorder {

class Doorbell {
 public:
  explicit Doorbell(Arena& arena);
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Readable after it rang.
  int fd() const { return fd_; }
  // Makes it wait for the next ring.
  void clear();

 private:
  void listen();

  Arena& arena_;
  int fd_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace reprise::recorder
