#include "recorder/page_compression.h"

#include <utility>

namespace reprise::recorder {

PageCompression::PageCompression(Compression wanted, archive::Writer& writer)
    : wanted_(wanted), writer_(writer) {
  writer_.compress_pages(wanted_ != Compression::kNever);
}

void PageCompression::look(std::uint64_t now_ns, const std::vector<std::int32_t>& living) {
  if (wanted_ != Compression::kAuto) return;
  const std::uint64_t own = own_cpu_ns();
  const archive::PageCosts& costs = writer_.page_costs();
  Usage usage;
  usage.service_ns = service_times_.since_last_look(living);
  usage.elapsed_ns = now_ns - std::exchange(looked_ns_, now_ns);
  usage.recorder_ns = own - std::exchange(own_cpu_ns_, own);
  usage.compressing_ns = costs.compressing_ns - costs_.compressing_ns;
  usage.compressed_bytes = costs.compressed_bytes - costs_.compressed_bytes;
  usage.journal_bytes = costs.bytes - costs_.bytes;
  costs_ = costs;
  writer_.compress_pages(budget_.affords(usage));
}

}  // namespace reprise::recorder
