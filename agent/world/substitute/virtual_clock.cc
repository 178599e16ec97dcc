#include "agent/world/substitute/virtual_clock.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "agent/world/substitute/control.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/substitute/token_call.h"

namespace reprise::agent {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// When this process first saw that time runs on by itself; 0 while it does not.
constinit std::atomic<std::int64_t> runs_since_ns = 0;

std::int64_t machine_ns(clockid_t clock) {
  timespec now = {};
  token_call(SYS_clock_gettime, clock, &now);
  return nanoseconds(now);
}

// What the machine's clock went on since time began to run by itself.
std::int64_t run_on_ns() {
  if (!time_runs()) [[likely]] {
    if (runs_since_ns.load(std::memory_order_relaxed) != 0) runs_since_ns.store(0);
    return 0;
  }
  const std::int64_t now = real_monotonic_ns();
  std::int64_t since = 0;
  if (runs_since_ns.compare_exchange_strong(since, now)) return 0;
  return now - since;
}

std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? kForever : 0) : sum;
}

// What the calling thread takes for now. The values of the tape went on while the recorded thread
// worked; the word stands still meanwhile. A wait that is measured from the word would end too
// early, and before others that it came after.
std::int64_t thread_monotonic_ns() {
  const std::int64_t word = virtual_monotonic_ns();
  const Thread* thread = this_thread();
  const ThreadState* state = thread != nullptr && !time_runs() ? raw_state_of(*thread) : nullptr;
  if (state == nullptr) return word;
  return std::max({word, state->last_step_ns,
                   state->last_clock[static_cast<std::size_t>(abi::ClockSource::kMonotonic)]});
}

std::uint64_t deadline_from(std::int64_t start_ns, std::int64_t duration_ns) {
  const std::int64_t deadline = add(start_ns, duration_ns);
  return deadline == kForever ? abi::kNoDeadline : static_cast<std::uint64_t>(deadline);
}

std::int64_t from_seconds(std::int64_t seconds, std::int64_t rest_ns) {
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns)) return seconds > 0 ? kForever : -kForever;
  return add(ns, rest_ns);
}

}  // namespace

std::int64_t virtual_monotonic_ns() {
  if (!control().attached()) return machine_ns(CLOCK_MONOTONIC);
  return control().header().monotonic_ns.load(std::memory_order_acquire) + run_on_ns();
}

std::int64_t virtual_realtime_ns() {
  if (!control().attached()) return machine_ns(CLOCK_REALTIME);
  return control().header().realtime_ns.load(std::memory_order_acquire) + run_on_ns();
}

bool time_runs() {
  return !control().attached() || control().header().real_time.load(std::memory_order_acquire) != 0;
}

std::int64_t real_monotonic_ns() { return machine_ns(CLOCK_MONOTONIC); }

std::uint64_t deadline_after(std::int64_t duration_ns) {
  if (duration_ns < 0) return abi::kNoDeadline;
  return deadline_from(thread_monotonic_ns(), duration_ns);
}

std::uint64_t deadline_at(clockid_t clock, const timespec& value) {
  const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
                    clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
  const std::int64_t now = wall ? virtual_realtime_ns() : virtual_monotonic_ns();
  const std::int64_t left = add(nanoseconds(value), -now);
  return deadline_from(virtual_monotonic_ns(), left < 0 ? 0 : left);
}

std::int64_t remaining_ns(std::uint64_t deadline_ns) {
  if (deadline_ns == abi::kNoDeadline) return kForever;
  const std::int64_t left = static_cast<std::int64_t>(deadline_ns) - virtual_monotonic_ns();
  return left < 0 ? 0 : left;
}

std::int64_t nanoseconds(const timespec& value) {
  return from_seconds(value.tv_sec, value.tv_nsec);
}

std::int64_t nanoseconds(const timeval& value) {
  return from_seconds(value.tv_sec, value.tv_usec * 1000);
}

timespec to_timespec(std::int64_t ns) {
  timespec value = {};
  value.tv_sec = ns / kNsPerSecond;
  value.tv_nsec = ns % kNsPerSecond;
  if (value.tv_nsec < 0) {
    value.tv_sec -= 1;
    value.tv_nsec += kNsPerSecond;
  }
  return value;
}

timeval to_timeval(std::int64_t ns) {
  const timespec value = to_timespec(add(ns, 999));
  return {value.tv_sec, value.tv_nsec / 1000};
}

}  // namespace reprise::agent
