// How long things took, as counts by length: what a percentile is read from.
//
// Lengths are kept to three significant digits, from a nanosecond to more than an hour, in constant
// memory, by the layout of HdrHistogram (hdrhistogram.org): 2048 counts for the lengths below 2048
// ns, then 1024 for each power of two. Debian 12 has that library for Java and Go alone.
//
// Coordinated omission: a client that waits for an answer before it sends the next request sends
// fewer while the service is slow, and so hides that it was. corrected() adds what such a client
// would have measured, had it sent one request in each `expected` interval (Gil Tene, "How NOT to
// Measure Latency"; HdrHistogram's recordValueWithExpectedInterval).
//
// Thread-compatible.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace reprise::replayer {

class Latencies {
 public:
  using nanoseconds = std::chrono::nanoseconds;
  // What is longer counts as this long.
  static constexpr nanoseconds kLongest{(std::int64_t{1} << 42) - 1};

  Latencies();

  void record(nanoseconds length, std::uint64_t times = 1);
  // Those of this, and for each one longer than `expected` those of the requests that waited behind
  // it.
  [[nodiscard]] Latencies corrected(nanoseconds expected) const;

  std::uint64_t count() const { return count_; }
  nanoseconds longest() const { return longest_; }
  // The length that `percent` of all do not exceed; 0 when there are none.
  nanoseconds at(double percent) const;

  // Counts by powers of two, from the shortest that occurs to the longest.
  struct Bar {
    nanoseconds below;
    std::uint64_t count = 0;
  };
  std::vector<Bar> bars() const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  nanoseconds longest_{0};
};

}  // namespace reprise::replayer
