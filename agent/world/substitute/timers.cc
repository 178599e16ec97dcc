#include "agent/world/substitute/timers.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#include <atomic>

#include "agent/abi/arena.h"
#include "agent/world/substitute/originals.h"
#include "agent/world/substitute/signal_hold.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/virtual_clock.h"

namespace reprise::agent {
namespace {

struct Timer {
  bool used;
  TimerName name;
  clockid_t clock;
  std::uint64_t deadline_ns;
  std::int64_t interval_ns;
  std::uint64_t expirations;
};

constexpr std::size_t kTimers = 512;
constinit Timer timers[kTimers] = {};
constinit std::atomic<std::uint64_t> earliest_ns = abi::kNoDeadline;
constinit SpinLock timers_lock;

Timer* find(TimerName name) {
  for (Timer& timer : timers) {
    if (timer.used && timer.name == name) return &timer;
  }
  return nullptr;
}

Timer* find_or_add(TimerName name) {
  if (Timer* timer = find(name)) return timer;
  for (Timer& timer : timers) {
    if (timer.used) continue;
    timer = {true, name, CLOCK_MONOTONIC, abi::kNoDeadline, 0, 0};
    return &timer;
  }
  return nullptr;
}

void update_earliest() {
  std::uint64_t earliest = abi::kNoDeadline;
  for (const Timer& timer : timers) {
    if (timer.used && timer.deadline_ns < earliest) earliest = timer.deadline_ns;
  }
  earliest_ns.store(earliest, std::memory_order_release);
}

TimerSetting setting_of(const Timer& timer) {
  if (timer.deadline_ns == abi::kNoDeadline) return {0, timer.interval_ns};
  const std::int64_t left = remaining_ns(timer.deadline_ns);
  return {left > 0 ? left : 1, timer.interval_ns};
}

// Makes the real timer expire now, once.
void expire_really(const Timer& timer) {
  const itimerspec at_once = {{0, 0}, {0, 1}};
  switch (timer.name.kind) {
    case TimerKind::kDescriptor:
      token_call(SYS_timerfd_settime, timer.name.id, 0, &at_once, nullptr);
      break;
    case TimerKind::kInterval: {
      const itimerval soon = {{0, 0}, {0, 1}};
      token_call(SYS_setitimer, ITIMER_REAL, &soon, nullptr);
      break;
    }
    case TimerKind::kPosix:
      // A timer_t is the C library's, so this goes through it.
      substitute_originals().timer_settime(reinterpret_cast<timer_t>(timer.name.id), 0, &at_once,
                                           nullptr);
      break;
  }
}

void fire(Timer& timer, std::int64_t now) {
  const auto due = static_cast<std::int64_t>(timer.deadline_ns);
  if (timer.interval_ns > 0) {
    const std::int64_t periods = 1 + (now - due) / timer.interval_ns;
    timer.expirations += static_cast<std::uint64_t>(periods);
    timer.deadline_ns += static_cast<std::uint64_t>(periods * timer.interval_ns);
  } else {
    timer.expirations += 1;
    timer.deadline_ns = abi::kNoDeadline;
  }
  expire_really(timer);
}

}  // namespace

std::uint64_t next_timer_ns() { return earliest_ns.load(std::memory_order_acquire); }

void fire_due_timers() {
  if (!has_passed(next_timer_ns())) return;
  const SignalHold hold(&timers_lock);
  const std::int64_t now = virtual_monotonic_ns();
  for (Timer& timer : timers) {
    if (timer.used && timer.deadline_ns != abi::kNoDeadline &&
        static_cast<std::int64_t>(timer.deadline_ns) <= now) {
      fire(timer, now);
    }
  }
  update_earliest();
}

void remember_timer(TimerName name, clockid_t clock) {
  const SignalHold hold(&timers_lock);
  if (Timer* timer = find_or_add(name)) {
    *timer = {true, name, clock, abi::kNoDeadline, 0, 0};
    update_earliest();
  }
}

clockid_t timer_clock(TimerName name) {
  const SignalHold hold(&timers_lock);
  const Timer* timer = find(name);
  return timer != nullptr ? timer->clock : CLOCK_MONOTONIC;
}

bool is_known_timer(TimerName name) {
  const SignalHold hold(&timers_lock);
  return find(name) != nullptr;
}

void forget_timer(TimerName name) {
  const SignalHold hold(&timers_lock);
  if (Timer* timer = find(name)) {
    timer->used = false;
    update_earliest();
  }
}

bool set_timer(TimerName name, std::uint64_t deadline_ns, std::int64_t interval_ns,
               TimerSetting* before) {
  const SignalHold hold(&timers_lock);
  Timer* timer = find_or_add(name);
  if (timer == nullptr) return false;
  if (before != nullptr) *before = setting_of(*timer);
  timer->deadline_ns = deadline_ns;
  timer->interval_ns = interval_ns;
  timer->expirations = 0;
  update_earliest();
  return true;
}

TimerSetting timer_setting(TimerName name) {
  const SignalHold hold(&timers_lock);
  const Timer* timer = find(name);
  return timer != nullptr ? setting_of(*timer) : TimerSetting{0, 0};
}

std::uint64_t take_expirations(int timerfd) {
  const SignalHold hold(&timers_lock);
  Timer* timer = find({TimerKind::kDescriptor, static_cast<std::uint64_t>(timerfd)});
  if (timer == nullptr) return 0;
  const std::uint64_t expirations = timer->expirations;
  timer->expirations = 0;
  return expirations;
}

void forget_inherited_timers() {
  timers_lock.reset();
  const SignalHold hold(&timers_lock);
  for (Timer& timer : timers) {
    if (timer.name.kind != TimerKind::kDescriptor) timer.used = false;
  }
  update_earliest();
}

}  // namespace reprise::agent
