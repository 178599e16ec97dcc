// How long the recorder may sleep between two passes.
//
// Each pass costs a wake-up, so passes are as rare as the arena allows; but what is read soon after
// it was written is still in cache, so a busy service is followed closely. An idle one is looked at
// a few times a second. Plain arithmetic; thread-compatible.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reprise::recorder {

class Pace {
 public:
  explicit Pace(std::uint64_t arena_bytes)
      : slowest_ns_(std::clamp<std::uint64_t>(arena_bytes, kFastestNs, kSlowestNs)) {}

  // After a pass that handed on `bytes`, with `fill` of the arena's segments in use (0 to 1).
  std::uint64_t after_pass(std::uint64_t bytes, double fill) {
    if (bytes == 0) {
      delay_ns_ = std::min(delay_ns_ * 2, slowest_ns_);
    } else if (bytes > kEasyBytes || fill > kEasyFill) {
      delay_ns_ = std::max(delay_ns_ / 2, kFastestNs);
    } else if (bytes < kEasyBytes / 4) {
      delay_ns_ = std::min(delay_ns_ + delay_ns_ / 4, slowest_ns_);
    }
    if (fill > kTightFill) delay_ns_ = kFastestNs;
    return delay_ns_;
  }

  std::uint64_t slowest_ns() const { return slowest_ns_; }

 private:
  static constexpr std::uint64_t kFastestNs = 2'000'000;
  // A service that wakes up after a silence can write about a byte a nanosecond: an arena of n
  // bytes must be looked at within n ns.
  static constexpr std::uint64_t kSlowestNs = 60'000'000;
  static constexpr std::uint64_t kEasyBytes = 512 * 1024;  // half a second-level cache
  static constexpr double kEasyFill = 0.25;
  static constexpr double kTightFill = 0.6;

  std::uint64_t slowest_ns_;
  std::uint64_t delay_ns_ = 10'000'000;
};

}  // namespace reprise::recorder
