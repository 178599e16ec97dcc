// The clock that stamps are taken from, and how to turn its ticks into time.
//
// The invariant TSC when processor and kernel both vouch for it (in a virtual machine: when the
// kernel computes its own clock from it), else CLOCK_MONOTONIC. The choice is made once for a
// session and published in the arena's header. Stateless; any thread.
#pragma once

#include <cstdint>
#include <string>

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

// What processor and kernel say of the TSC. The clock sources are those of
// /sys/devices/system/clocksource/clocksource0, "" where that cannot be read.
struct TscEvidence {
  bool invariant = false;  // the processor's word (CPUID 0x80000007)
  bool several_processors = true;
  std::string available;         // all clock sources, parted by blanks
  std::string current;           // the one that CLOCK_MONOTONIC is taken from
  bool read_in_process = false;  // no system call is made for it
};

// Whether the TSC is steady and equal on all processors. Without a list of clock sources only a
// single processor's word is enough.
[[nodiscard]] bool tsc_is_stable(const TscEvidence& evidence);

// Measures for about 20 ms. Falls back to CLOCK_MONOTONIC when the TSC is not stable or does not
// measure as a steady clock.
[[nodiscard]] StampClock calibrate_stamp_clock();

// The clock that another process measured and left in the arena.
[[nodiscard]] StampClock stamp_clock_of(const abi::ArenaHeader& header);

// CLOCK_MONOTONIC, in ns.
[[nodiscard]] std::uint64_t monotonic_now_ns();

}  // namespace reprise::recorder
