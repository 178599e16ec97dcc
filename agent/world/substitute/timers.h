// Timers of the service in virtual time: timerfds, setitimer and alarm, POSIX timers.
//
// The kernel's timer exists but is never armed for the service's own expiry. Here stands when it is
// due by the session's clock; a wait that notices arms the real one to expire at once, so that
// readiness, signals and SIGEV_THREAD notifications come the kernel's own way. While a timer is
// armed every wait of the process is sliced and publishes its expiry too, so time cannot pass it
// unseen.
//
// Threading: any thread, signal handlers included (setting a timer is allowed there).
#pragma once

#include <time.h>

#include <cstdint>

namespace reprise::agent {

enum class TimerKind : std::uint8_t { kDescriptor, kInterval, kPosix };

// A timer of this process: a timerfd's number, 0 for the interval timer, a timer_t.
struct TimerName {
  TimerKind kind;
  std::uint64_t id;
  friend bool operator==(const TimerName&, const TimerName&) = default;
};

struct TimerSetting {
  std::int64_t left_ns;      // until the next expiry, 0 not armed
  std::int64_t interval_ns;  // 0 expires once
};

// Earliest expiry of any timer of this process; abi::kNoDeadline when none is armed.
[[nodiscard]] std::uint64_t next_timer_ns();

// Arms the real timer of each that is due.
void fire_due_timers();

// The clock a timer was made with, for absolute settings.
void remember_timer(TimerName name, clockid_t clock);
[[nodiscard]] clockid_t timer_clock(TimerName name);
[[nodiscard]] bool is_known_timer(TimerName name);
void forget_timer(TimerName name);

// Sets a timer to expire at `deadline_ns` (abi::kNoDeadline: disarms it) and returns what it was
// set to before. False when the table is full: then the timer never expires, and errno says so
// (ENOMEM).
[[nodiscard]] bool set_timer(TimerName name, std::uint64_t deadline_ns, std::int64_t interval_ns,
                             TimerSetting* before);
[[nodiscard]] TimerSetting timer_setting(TimerName name);

// Expiries since the last call, for a read of a timerfd; 0 when it is none of ours.
[[nodiscard]] std::uint64_t take_expirations(int timerfd);

// In the child of a fork: interval and POSIX timers are not inherited.
void forget_inherited_timers();

}  // namespace reprise::agent
