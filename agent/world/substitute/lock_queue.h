// Waiting for a lock where threads take turns (turn.h).
//
// The kernel hands a lock to whoever comes first, which is luck. Here nobody waits for the lock in
// the kernel: who finds it taken waits until some lock like it was let go of, and then for its turn
// to try again. The queues are the process's own: locks that processes share stay with the kernel.
//
// Threading: any thread.
#pragma once

#include <errno.h>

#include <atomic>
#include <cstdint>

#include "agent/thread.h"
#include "agent/world/substitute/wait.h"

namespace reprise::agent {

class LockQueue {
 public:
  // The one of the lock at `object`; others may share it.
  static LockQueue& of(const void* object);

  // `object` was let go of.
  void release();

  // Waits until `try_now()`, called when it is the thread's turn, returns something else than
  // EBUSY: that, or ETIMEDOUT.
  template <typename Try>
  int take(Thread* thread, abi::Activity activity, const void* object, std::uint64_t deadline_ns,
           Try try_now);

 private:
  long sleep(std::uint32_t seen, std::int64_t slice_ns);

  std::atomic<std::uint32_t> releases_ = 0;
  std::atomic<std::uint32_t> waiters_ = 0;
};

template <typename Try>
int LockQueue::take(Thread* thread, abi::Activity activity, const void* object,
                    std::uint64_t deadline_ns, Try try_now) {
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(object));
  Wait wait(thread, activity, deadline_ns, address);
  waiters_.fetch_add(1, std::memory_order_seq_cst);
  int result = EBUSY;
  for (;;) {
    const std::uint32_t seen = releases_.load(std::memory_order_seq_cst);
    result = try_now();
    if (result != EBUSY) break;
    wait.block([&](std::int64_t slice_ns) { return sleep(seen, slice_ns); });
    const bool over = wait.is_over();
    wait.take_turn();
    if (!over) continue;
    result = try_now();
    if (result == EBUSY) result = ETIMEDOUT;
    break;
  }
  waiters_.fetch_sub(1, std::memory_order_relaxed);
  return result;
}

}  // namespace reprise::agent
