// The session's time, and the deadlines of waits in it.
//
// The replayer owns the clock words; they stand still while any thread of the service runs or the
// debugger holds it. Every wait of the service is measured against them. With
// ControlHeader::real_time set, time runs on from the words as the machine's does; without a
// control file it is the machine's.
//
// Unit: nanoseconds of the recorded machine's CLOCK_MONOTONIC, unless a name says otherwise.
// Threading: any thread, signal handlers included.
#pragma once

#include <sys/time.h>
#include <time.h>

#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/abi/records.h"

namespace reprise::agent {

inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

[[nodiscard]] std::int64_t virtual_monotonic_ns();
[[nodiscard]] std::int64_t virtual_realtime_ns();

// Whether a clock runs with CLOCK_MONOTONIC: a context's shift is added to it.
[[nodiscard]] constexpr bool is_monotonic(abi::ClockSource source) {
  return source == abi::ClockSource::kMonotonic || source == abi::ClockSource::kMonotonicRaw ||
         source == abi::ClockSource::kMonotonicCoarse || source == abi::ClockSource::kBoottime;
}

// Whether time runs on by itself.
[[nodiscard]] bool time_runs();

// The machine's CLOCK_MONOTONIC, for slices of real waiting.
[[nodiscard]] std::int64_t real_monotonic_ns();

// When a wait of the calling thread that starts now and lasts `duration_ns` ends; a negative
// duration never does. "Now" is the word, or the last monotonic value that the thread was told, if
// it is later.
[[nodiscard]] std::uint64_t deadline_after(std::int64_t duration_ns);
// When `clock`, as the service is told it, reaches `value`. Clocks that are not known to run with
// CLOCK_MONOTONIC or CLOCK_REALTIME are taken for the former.
[[nodiscard]] std::uint64_t deadline_at(clockid_t clock, const timespec& value);

[[nodiscard]] inline bool has_passed(std::uint64_t deadline_ns) {
  return deadline_ns != abi::kNoDeadline &&
         virtual_monotonic_ns() >= static_cast<std::int64_t>(deadline_ns);
}
// What is left until `deadline_ns`, at least 0.
[[nodiscard]] std::int64_t remaining_ns(std::uint64_t deadline_ns);

// Saturating, so that a service's "for ever" (LONG_MAX seconds) stays one.
[[nodiscard]] std::int64_t nanoseconds(const timespec& value);
[[nodiscard]] std::int64_t nanoseconds(const timeval& value);
[[nodiscard]] timespec to_timespec(std::int64_t ns);
[[nodiscard]] timeval to_timeval(std::int64_t ns);  // rounded up: 1 ns left is not 0

// As the kernel checks a timespec it is given.
[[nodiscard]] inline bool is_valid(const timespec& value) {
  return value.tv_sec >= 0 && value.tv_nsec >= 0 && value.tv_nsec < kNsPerSecond;
}

}  // namespace reprise::agent
