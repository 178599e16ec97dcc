// Whether the recorder compresses what it writes.
//
// To compress what a busy service says takes longer than all else the recorder does with it. So it
// is done as long as the recorder stays within a small share of what the service takes itself;
// where it would not, the journal is written as it is, and whoever reads it first makes it small.
//
// Plain arithmetic; thread-compatible.
#pragma once

#include <cstdint>

namespace reprise::recorder {

// A stretch of a recording. Processor time in ns.
struct Usage {
  std::uint64_t elapsed_ns = 0;
  std::uint64_t service_ns = 0;      // of all processes of the service
  std::uint64_t recorder_ns = 0;     // with what follows
  std::uint64_t compressing_ns = 0;  // of `compressed_bytes`
  std::uint64_t compressed_bytes = 0;
  std::uint64_t journal_bytes = 0;  // all that was written, before it was compressed
};

class CompressionBudget {
 public:
  // Whether the next stretch can afford it, after one like this.
  bool affords(const Usage& usage) {
    if (usage.compressed_bytes >= kTellingBytes) {
      ns_per_byte_ =
          static_cast<double>(usage.compressing_ns) / static_cast<double>(usage.compressed_bytes);
    }
    const auto bytes = static_cast<double>(usage.journal_bytes);
    const auto elapsed = static_cast<double>(usage.elapsed_ns);
    if (bytes > kMostRawPerNs * elapsed) return true;
    const double rest =
        static_cast<double>(usage.recorder_ns) - static_cast<double>(usage.compressing_ns);
    const double whole = rest + bytes * ns_per_byte_;
    return whole <= kShare * static_cast<double>(usage.service_ns) || whole <= kAlways * elapsed;
  }

 private:
  static constexpr double kShare = 0.03;         // of the service's time
  static constexpr double kAlways = 0.01;        // of one processor: nobody feels that
  static constexpr double kMostRawPerNs = 0.04;  // 40 MB/s: a disk would be felt sooner
  static constexpr std::uint64_t kTellingBytes = 64 * 1024;

  double ns_per_byte_ = 1.0;
};

}  // namespace reprise::recorder
