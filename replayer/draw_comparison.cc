#include "replayer/draw_comparison.h"

#include <set>

namespace reprise::replayer {
namespace {

std::uint64_t count(const DrawTally::Counts& counts, DrawSource source) {
  const auto found = counts.find(source);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

std::vector<DrawDifference> DrawComparison::compare(event::ExchangeId exchange,
                                                    const DrawTally::Counts& replayed) {
  const DrawTally::Counts& recorded = recorded_.of(exchange);
  std::set<DrawSource> sources;
  for (const auto& [source, times] : recorded) sources.insert(source);
  for (const auto& [source, times] : replayed) sources.insert(source);
  std::vector<DrawDifference> differences;
  for (const DrawSource& source : sources) {
    const std::uint64_t before = count(recorded, source), now = count(replayed, source);
    if (before == now) continue;
    const bool excused = now > before
                             ? excuse(recorded_.of_nobody(), used_recorded_, source, now - before)
                             : excuse(replayed_.of_nobody(), used_replayed_, source, before - now);
    if (!excused) differences.push_back({source, before, now});
  }
  return differences;
}

bool DrawComparison::excuse(const DrawTally::Counts& of_nobody, DrawTally::Counts& used,
                            DrawSource source, std::uint64_t missing) {
  if (count(of_nobody, source) < count(used, source) + missing) return false;
  used[source] += missing;
  excused_ += missing;
  return true;
}

}  // namespace reprise::replayer
