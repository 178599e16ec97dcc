#include "cli/replay_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace reprise::cli {
namespace {

bool overlapped(const replayer::Plan& plan, const replayer::RecordedExchange& one) {
  return one.answered() && std::ranges::any_of(plan.exchanges, [&](const auto& other) {
           return other.id != one.id && other.answered() &&
                  other.first_byte_in < one.last_byte_out &&
                  one.first_byte_in < other.last_byte_out;
         });
}

}  // namespace

std::string replay_advice(const replayer::Plan& plan, const replayer::Ledger& ledger, bool alone,
                          bool serial) {
  for (const replayer::Divergence& divergence : ledger.divergences()) {
    if (divergence.kind != replayer::Divergence::Kind::kResponse) continue;
    const auto one =
        std::ranges::find(plan.exchanges, divergence.exchange, &replayer::RecordedExchange::id);
    if (one == plan.exchanges.end()) continue;
    const std::uint64_t number = one->id.value;
    if (alone) {
      return fmt::format(
          "exchange {} was replayed alone: if what came before it matters, try --with-prefix",
          number);
    }
    if (serial && overlapped(plan, *one)) {
      return fmt::format(
          "exchange {} overlapped others when it was recorded: if that matters, try --schedule "
          "recorded",
          number);
    }
  }
  return "";
}

}  // namespace reprise::cli
