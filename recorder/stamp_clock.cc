#include "recorder/stamp_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace reprise::recorder {
namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

#if defined(__x86_64__)
std::uint64_t read_tsc() { return __rdtsc(); }

bool processor_has_invariant_tsc() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0) return false;
  return (d & (1u << 8)) != 0;
}
#else
std::uint64_t read_tsc() { return clock_ns(CLOCK_MONOTONIC); }
bool processor_has_invariant_tsc() { return false; }
#endif

// A line of the kernel's, without the blank that ends a list.
std::string clock_sources(const char* which) {
  std::ifstream file(std::string("/sys/devices/system/clocksource/clocksource0/") + which);
  std::string line;
  std::getline(file, line);
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

// What the fastest of several calls of `read` takes.
template <typename Read>
std::uint64_t fastest_ns(Read read) {
  std::uint64_t fastest = ~std::uint64_t{0};
  for (int attempt = 0; attempt < 64; ++attempt) {
    const std::uint64_t before = clock_ns(CLOCK_MONOTONIC);
    read();
    fastest = std::min(fastest, clock_ns(CLOCK_MONOTONIC) - before);
  }
  return fastest;
}

// The vDSO reads what it can without entering the kernel, which takes several times as long.
bool clock_is_read_in_process() {
  timespec now{};
  const std::uint64_t usual = fastest_ns([&] { ::clock_gettime(CLOCK_MONOTONIC, &now); });
  const std::uint64_t by_call =
      fastest_ns([&] { ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now); });
  return usual + usual / 2 < by_call;
}

TscEvidence evidence_of_this_machine() {
  return {.invariant = processor_has_invariant_tsc(),
          .several_processors = std::thread::hardware_concurrency() != 1,
          .available = clock_sources("available_clocksource"),
          .current = clock_sources("current_clocksource"),
          .read_in_process = clock_is_read_in_process()};
}

// One reading of the TSC with the clock at the same moment. An interruption between the two would
// show as a wide bracket, so the narrowest of several is taken.
struct Pairing {
  std::uint64_t ticks = 0;
  std::uint64_t monotonic_ns = 0;
};

Pairing pair_clocks() {
  Pairing best;
  std::uint64_t best_width = ~std::uint64_t{0};
  for (int attempt = 0; attempt < 32; ++attempt) {
    const std::uint64_t before = read_tsc();
    const std::uint64_t ns = clock_ns(CLOCK_MONOTONIC);
    const std::uint64_t after = read_tsc();
    if (after < before) continue;
    if (after - before >= best_width) continue;
    best_width = after - before;
    best = {before + (after - before) / 2, ns};
  }
  return best;
}

double frequency(const Pairing& from, const Pairing& to) {
  const auto ticks = static_cast<double>(to.ticks - from.ticks);
  const auto ns = static_cast<double>(to.monotonic_ns - from.monotonic_ns);
  return ticks * static_cast<double>(kNanosPerSecond) / ns;
}

// Nothing to wait for but time itself: this measures a clock.
void let_time_pass() {
  const timespec ten_ms{0, 10'000'000};
  ::nanosleep(&ten_ms, nullptr);
}

StampClock monotonic_stamp_clock() {
  StampClock clock;
  clock.source = abi::StampSource::kMonotonicClock;
  clock.monotonic_epoch_ns = clock_ns(CLOCK_MONOTONIC);
  clock.realtime_epoch_ns = clock_ns(CLOCK_REALTIME);
  clock.epoch = clock.monotonic_epoch_ns;
  return clock;
}

}  // namespace

std::uint64_t monotonic_now_ns() { return clock_ns(CLOCK_MONOTONIC); }

std::uint64_t StampClock::now() const {
  return source == abi::StampSource::kTsc ? read_tsc() : clock_ns(CLOCK_MONOTONIC);
}

std::uint64_t StampClock::ticks(std::uint64_t nanoseconds) const {
  return static_cast<std::uint64_t>(static_cast<long double>(nanoseconds) *
                                    static_cast<long double>(ticks_per_second) / kNanosPerSecond);
}

std::uint64_t StampClock::monotonic_ns(std::uint64_t stamp) const {
  const auto elapsed = static_cast<std::int64_t>(stamp - epoch);
  const long double ns = static_cast<long double>(elapsed) * kNanosPerSecond /
                         static_cast<long double>(ticks_per_second);
  return monotonic_epoch_ns + static_cast<std::uint64_t>(static_cast<std::int64_t>(ns));
}

bool tsc_is_stable(const TscEvidence& evidence) {
  if (!evidence.invariant) return false;
  if (evidence.available.empty()) return !evidence.several_processors;
  // The kernel strikes `tsc` off its list when it finds processors that disagree.
  if ((" " + evidence.available + " ").find(" tsc ") != std::string::npos) return true;
  // These are computed from the TSC: in the process while the hypervisor says that all processors
  // have the same (Linux: PVCLOCK_TSC_STABLE_BIT, the sequence of Hyper-V's TSC page), else by a
  // system call.
  const bool computed =
      evidence.current == "kvm-clock" || evidence.current == "hyperv_clocksource_tsc_page";
  return computed && evidence.read_in_process;
}

StampClock calibrate_stamp_clock() {
  if (!tsc_is_stable(evidence_of_this_machine())) return monotonic_stamp_clock();
  const Pairing first = pair_clocks();
  let_time_pass();
  const Pairing middle = pair_clocks();
  let_time_pass();
  const Pairing last = pair_clocks();
  const double halves = frequency(first, middle) / frequency(middle, last);
  // A steady clock gives the same figure twice; 1 % is far beyond what a busy machine adds.
  if (!(std::abs(halves - 1.0) < 0.01)) return monotonic_stamp_clock();

  StampClock clock;
  clock.source = abi::StampSource::kTsc;
  clock.ticks_per_second = static_cast<std::uint64_t>(std::llround(frequency(first, last)));
  clock.epoch = last.ticks;
  clock.monotonic_epoch_ns = last.monotonic_ns;
  clock.realtime_epoch_ns =
      clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_MONOTONIC) - last.monotonic_ns);
  return clock;
}

StampClock stamp_clock_of(const abi::ArenaHeader& header) {
  StampClock clock;
  clock.source = header.stamp_source;
  clock.epoch = header.stamp_epoch;
  clock.realtime_epoch_ns = header.realtime_epoch_ns;
  clock.monotonic_epoch_ns = header.monotonic_epoch_ns;
  clock.ticks_per_second = header.stamps_per_second == 0 ? 1 : header.stamps_per_second;
  return clock;
}

}  // namespace reprise::recorder
