// The clock that stamps are taken from, and how to turn its ticks into time.
//
// The invariant TSC when processor and kernel both vouch for it, else CLOCK_MONOTONIC. The choice
// is made once for a session and published in the arena's header. Stateless; any thread.
#pragma once

#include <cstdint>

#include "agent/abi/arena.h"

namespace reprise::recorder {

// A stamp taken together with the two clocks, and the stamp's frequency.
struct StampClock {
  abi::StampSource source = abi::StampSource::kMonotonicClock;
  std::uint64_t epoch = 0;              // ticks
  std::uint64_t realtime_epoch_ns = 0;  // CLOCK_REALTIME at `epoch`
  std::uint64_t monotonic_epoch_ns = 0;
  std::uint64_t ticks_per_second = 1'000'000'000;

  // The stamp of this moment.
  std::uint64_t now() const;
  std::uint64_t ticks(std::uint64_t nanoseconds) const;
  // CLOCK_MONOTONIC in ns at `stamp`, which may lie before the epoch.
  std::uint64_t monotonic_ns(std::uint64_t stamp) const;
};

// Whether processor and kernel call the TSC steady and equal on all processors. `clock_sources` is
// the kernel's list (/sys/devices/system/clocksource/clocksource0/available_clocksource, "" when it
// cannot be read: then only a single processor's word is enough).
[[nodiscard]] bool tsc_is_stable(bool invariant, bool several_processors,
                                 const char* clock_sources);

// Measures for about 20 ms. Falls back to CLOCK_MONOTONIC when the TSC is not stable or does not
// measure as a steady clock.
[[nodiscard]] StampClock calibrate_stamp_clock();

// The clock that another process measured and left in the arena.
[[nodiscard]] StampClock stamp_clock_of(const abi::ArenaHeader& header);

// CLOCK_MONOTONIC, in ns.
[[nodiscard]] std::uint64_t monotonic_now_ns();

}  // namespace reprise::recorder
