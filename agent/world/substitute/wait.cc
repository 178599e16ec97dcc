#include "agent/world/substitute/wait.h"

#include <errno.h>
#include <linux/futex.h>

#include <algorithm>

#include "agent/doorbell.h"
#include "agent/system_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/timers.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"

namespace reprise::agent {
namespace {

// Slices grow while nothing happens and start over when a time-out fired somewhere: a replay that
// skips from one short time-out to the next loses little at each, an idle thread costs little. That
// the clock moves otherwise means nothing to who waits: a deadline is not passed without being
// fired.
constexpr std::int64_t kFirstSliceNs = 200'000;
constexpr std::int64_t kLongestSliceNs = 4'000'000;

// Sleepers are woken by each move of the clock; the bound is for timers and for real_time.
constexpr std::int64_t kLongestSleepNs = 20'000'000;

std::uint32_t clock_fires() {
  return control().attached() ? control().header().clock_fires.load(std::memory_order_acquire) : 0;
}

}  // namespace

Wait::Wait(Thread* thread, abi::Activity activity, std::uint64_t deadline_ns, std::uint64_t object)
    : thread_(thread),
      slot_(thread != nullptr ? thread->slot : nullptr),
      activity_(activity),
      object_(object),
      deadline_ns_(deadline_ns),
      slice_ns_(kFirstSliceNs),
      clock_fires_(clock_fires()) {
  if (slot_ == nullptr) return;
  outer_activity_ = slot_->activity.load(std::memory_order_relaxed) & 0xff;
  outer_deadline_ns_ = slot_->deadline_ns.load(std::memory_order_relaxed);
  outer_object_ = slot_->wait_object.load(std::memory_order_relaxed);
  publish();
}

void Wait::publish() {
  has_turn_ = false;
  if (slot_ == nullptr) return;
  const std::uint64_t timer = next_timer_ns();
  slot_->deadline_ns.store(timer < deadline_ns_ ? timer : deadline_ns_, std::memory_order_relaxed);
  slot_->wait_object.store(object_, std::memory_order_relaxed);
  publish_activity(*slot_, activity_);
  ring_doorbell();
}

bool Wait::take_turn() {
  // Who asks the replayer runs all the while.
  if (!has_turn_ && activity_ != abi::Activity::kAsking) {
    has_turn_ = agent::take_turn(thread_, abi::kAwake);
  }
  return has_turn_;
}

Wait::~Wait() {
  if (slot_ == nullptr) return;
  take_turn();
  slot_->deadline_ns.store(outer_deadline_ns_, std::memory_order_relaxed);
  slot_->wait_object.store(outer_object_, std::memory_order_relaxed);
  publish_activity(*slot_, static_cast<abi::Activity>(outer_activity_));
}

bool Wait::is_sliced(std::uint64_t deadline_ns) {
  return deadline_ns != abi::kNoDeadline || next_timer_ns() != abi::kNoDeadline;
}

std::int64_t Wait::next_slice_ns() {
  if (!is_sliced(deadline_ns_)) return -1;
  const std::uint32_t fires = clock_fires();
  std::int64_t slice = fires != clock_fires_ ? kFirstSliceNs : slice_ns_;
  clock_fires_ = fires;
  slice_ns_ = slice * 2 < kLongestSliceNs ? slice * 2 : kLongestSliceNs;
  // Time that runs by itself moves no word.
  if (time_runs()) slice = std::min(slice, remaining_ns(deadline_ns_));
  return slice;
}

bool Wait::is_over() {
  fire_due_timers();
  if (has_passed(deadline_ns_)) return true;
  if (slot_ != nullptr) {
    const std::uint64_t timer = next_timer_ns();
    slot_->deadline_ns.store(timer < deadline_ns_ ? timer : deadline_ns_,
                             std::memory_order_relaxed);
  }
  return false;
}

long sleep_until(Thread* thread, std::uint64_t deadline_ns) {
  if (has_passed(deadline_ns)) {
    system_call(SYS_sched_yield);
    return 0;
  }
  static constinit std::atomic<std::uint32_t> no_moves = 0;
  std::atomic<std::uint32_t>& word =
      control().attached() ? control().header().clock_moves : no_moves;
  const Interruptions interruptions(thread);
  Wait wait(thread, abi::Activity::kSleep, deadline_ns, 0);
  for (;;) {
    const std::uint32_t moves = word.load(std::memory_order_acquire);
    if (wait.is_over()) return 0;
    const std::int64_t longest = time_runs() ? remaining_ns(deadline_ns) : kLongestSleepNs;
    const timespec slice = to_timespec(std::min(longest, kLongestSleepNs));
    wait.block([&](std::int64_t) {
      return system_call(SYS_futex, address_of(&word), FUTEX_WAIT, moves, address_of(&slice));
    });
    if (thread != nullptr && interruptions.any()) return -EINTR;
  }
}

}  // namespace reprise::agent
