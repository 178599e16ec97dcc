// Sections that no signal handler of the service may interrupt.
//
// A spin lock alone would hang when a handler interrupts its holder and wants it as well; here all
// signals wait until the section is over. Sections under a lock are short, rare and do not block.
//
// Threading: any thread, signal handlers included.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>

#include "agent/system_call.h"

namespace reprise::agent {

class SpinLock {
 public:
  void lock() {
    while (held_.exchange(1, std::memory_order_acquire) != 0) system_call(SYS_sched_yield);
  }
  void unlock() { held_.store(0, std::memory_order_release); }
  // In the child of a fork, where a holder that was another thread is gone.
  void reset() { unlock(); }

 private:
  std::atomic<std::uint32_t> held_ = 0;
};

// Holds back all signals of the thread, and `lock` unless it is null.
class SignalHold {
 public:
  explicit SignalHold(SpinLock* lock = nullptr) : lock_(lock) {
    const std::uint64_t all = ~std::uint64_t{0};
    system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&all), address_of(&mask_),
                sizeof mask_);
    if (lock_ != nullptr) lock_->lock();
  }
  ~SignalHold() {
    if (lock_ != nullptr) lock_->unlock();
    system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&mask_), 0, sizeof mask_);
  }
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;

 private:
  SpinLock* lock_;
  std::uint64_t mask_ = 0;
};

}  // namespace reprise::agent
