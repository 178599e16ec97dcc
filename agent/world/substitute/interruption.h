// Whether a blocked call must end because a signal handler of the service ran.
//
// The kernel ends our slices for more reasons than it would end the service's own call: a handler
// that restarts calls (SA_RESTART), and the stop of a debugger, which the service must not notice.
//
// Threading: the calling thread.
#pragma once

#include <cstdint>

#include "agent/thread.h"

namespace reprise::agent {

class Interruptions {
 public:
  // From now on.
  explicit Interruptions(const Thread* thread)
      : thread_(thread),
        handled_(thread != nullptr ? thread->handlers_run : 0),
        not_restarted_(thread != nullptr ? thread->handlers_not_restarting : 0) {}

  // For calls that no handler restarts (signal(7)): readiness waits, sleeps, socket time-outs.
  [[nodiscard]] bool any() const { return thread_ == nullptr || thread_->handlers_run != handled_; }
  // For all others.
  [[nodiscard]] bool must_return() const {
    return thread_ == nullptr || thread_->handlers_not_restarting != not_restarted_;
  }

 private:
  const Thread* thread_;
  std::uint32_t handled_;
  std::uint32_t not_restarted_;
};

}  // namespace reprise::agent
