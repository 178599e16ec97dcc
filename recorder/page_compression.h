// Decides whether the pages of a journal are compressed while it is written: as whoever records
// wants it, or for as long as the budget allows it (compression_budget.h). Who reads the journal
// first makes it small in any case.
//
// Ownership: borrows the writer. Threading: the recorder's one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "archive/writer.h"
#include "recorder/compression_budget.h"
#include "recorder/cpu_time.h"

namespace reprise::recorder {

enum class Compression : std::uint8_t { kAuto, kAlways, kNever };

class PageCompression {
 public:
  PageCompression(Compression wanted, archive::Writer& writer);

  // To be called now and then: a stretch of the recording is over. `now_ns` is of CLOCK_MONOTONIC,
  // `living` are the pids of the service.
  void look(std::uint64_t now_ns, const std::vector<std::int32_t>& living);

 private:
  Compression wanted_;
  archive::Writer& writer_;
  CompressionBudget budget_;
  CpuTimes service_times_;
  // When the last stretch ended, and what the recorder had used by then.
  std::uint64_t looked_ns_ = 0, own_cpu_ns_ = 0;
  archive::PageCosts costs_;
};

}  // namespace reprise::recorder
