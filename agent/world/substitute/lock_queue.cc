#include "agent/world/substitute/lock_queue.h"

#include <limits.h>
#include <linux/futex.h>

#include "agent/system_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"

namespace reprise::agent {
namespace {

constinit LockQueue queues[64];

}  // namespace

LockQueue& LockQueue::of(const void* object) {
  // Locks lie at least a word apart; the multiplier spreads them (Knuth, TAOCP 6.4).
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(object)) >> 3;
  return queues[(address * 0x9e3779b97f4a7c15u) >> 58];
}

void LockQueue::release() {
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  yield_horizon();
  releases_.fetch_add(1, std::memory_order_seq_cst);
  system_call(SYS_futex, address_of(&releases_), FUTEX_WAKE_PRIVATE, INT_MAX);
}

long LockQueue::sleep(std::uint32_t seen, std::int64_t slice_ns) {
  const timespec slice = to_timespec(slice_ns);
  return system_call(SYS_futex, address_of(&releases_), FUTEX_WAIT_PRIVATE, seen,
                     slice_ns < 0 ? 0 : address_of(&slice));
}

}  // namespace reprise::agent
