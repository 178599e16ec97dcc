#include "replayer/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace reprise::replayer {
namespace {

// Lengths below 2^kExactBits have a place each; each power of two above has half as many.
constexpr int kExactBits = 11;
constexpr double kRoundingError = 1e-6;
constexpr std::uint64_t kHalf = std::uint64_t{1} << (kExactBits - 1);

std::size_t place_of(std::uint64_t value) {
  const int bits = static_cast<int>(std::bit_width(value));
  if (bits <= kExactBits) return value;
  const int coarser = bits - kExactBits;
  return static_cast<std::size_t>(coarser) * kHalf + (value >> coarser);
}

// The greatest length of a place.
std::uint64_t greatest_in(std::size_t place) {
  if (place < 2 * kHalf) return place;
  const std::size_t coarser = place / kHalf - 1;
  const std::uint64_t value = place - coarser * kHalf;
  return ((value + 1) << coarser) - 1;
}

std::uint64_t value_of(std::chrono::nanoseconds length) {
  return static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(length.count(), 0, Latencies::kLongest.count()));
}

}  // namespace

Latencies::Latencies() : counts_(place_of(value_of(kLongest)) + 1) {}

void Latencies::record(nanoseconds length, std::uint64_t times) {
  counts_[place_of(value_of(length))] += times;
  count_ += times;
  longest_ = std::max(longest_, nanoseconds{static_cast<std::int64_t>(value_of(length))});
}

Latencies Latencies::corrected(nanoseconds expected) const {
  Latencies all = *this;
  if (expected <= nanoseconds{0}) return all;
  for (std::size_t place = 0; place < counts_.size(); ++place) {
    if (counts_[place] == 0) continue;
    const nanoseconds length{
        std::min(static_cast<std::int64_t>(greatest_in(place)), longest_.count())};
    for (nanoseconds missed = length - expected; missed >= expected; missed -= expected) {
      all.record(missed, counts_[place]);
    }
  }
  return all;
}

Latencies::nanoseconds Latencies::at(double percent) const {
  if (count_ == 0) return nanoseconds{0};
  const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_);
  // 99.9 % of 1000 are 999, whatever comes out in binary.
  const double rank = std::ceil(share - kRoundingError);
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rank));
  std::uint64_t seen = 0;
  for (std::size_t place = 0; place < counts_.size(); ++place) {
    seen += counts_[place];
    if (seen < wanted) continue;
    return std::min(nanoseconds{static_cast<std::int64_t>(greatest_in(place))}, longest_);
  }
  return longest_;
}

std::vector<Latencies::Bar> Latencies::bars() const {
  std::vector<Bar> bars;
  for (std::size_t place = 0; place < counts_.size(); ++place) {
    if (counts_[place] == 0) continue;
    const nanoseconds below{static_cast<std::int64_t>(std::bit_ceil(greatest_in(place) + 1))};
    while (!bars.empty() && bars.back().below < below) bars.push_back({bars.back().below * 2, 0});
    if (bars.empty()) bars.push_back({below, 0});
    bars.back().count += counts_[place];
  }
  return bars;
}

}  // namespace reprise::replayer
