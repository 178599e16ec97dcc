#include "cli/archive_totals.h"

#include <variant>

namespace reprise::cli {

ArchiveTotals totals_of(archive::Reader& reader) {
  if (reader.trailer()) return {*reader.trailer(), false};
  ArchiveTotals totals;
  totals.counted = true;
  archive::Trailer& counts = totals.counts;
  const event::Context unattributed = event::Context::unattributed();
  reader.each_event([&](const event::Event& event) {
    ++counts.events;
    if (const auto* gap = std::get_if<event::Gap>(&event.fact)) {
      ++counts.gaps;
      counts.dropped += gap->records;
    } else if (const auto* exit = std::get_if<event::ProcessExited>(&event.fact)) {
      if (event.process.value == 1) {
        counts.exit = *exit;
        counts.exited = true;
      }
    }
    const bool draw = std::holds_alternative<event::ClockRead>(event.fact) ||
                      std::holds_alternative<event::RandomDrawn>(event.fact);
    if (draw && event.context == unattributed) ++counts.unattributed;
    return true;
  });
  reader.each_call([&](const event::Call& call) {
    if (call.context == unattributed) ++counts.unattributed;
    return true;
  });
  reader.each_connection([&](const event::Connection&) {
    ++counts.connections;
    return true;
  });
  counts.exchanges = reader.exchange_count();
  counts.calls = reader.call_count();
  return totals;
}

}  // namespace reprise::cli
