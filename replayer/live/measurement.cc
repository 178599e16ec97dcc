#include "replayer/live/measurement.h"

#include <algorithm>
#include <string>
#include <utility>

namespace reprise::replayer {

void tell_error(Ledger& ledger, const Plan& plan, const DrivenExchange& exchange) {
  const RecordedExchange& recorded = *exchange.recorded;
  const bool missing = !exchange.problem.empty();
  ledger.diverge({recorded.id,
                  missing ? Divergence::Kind::kNoResponse : Divergence::Kind::kResponse,
                  "status " + plan.names[recorded.status],
                  missing ? exchange.problem : "status " + exchange.answer.status});
}

void tell_performance(Ledger& ledger, const Plan& plan, Performance measured,
                      const LiveOptions& options) {
  measured.schedule = options.load ? "load" : "timed";
  measured.speed = options.speed;
  ledger.selected = plan.selected;
  if (options.load) {
    measured.concurrency = options.load->concurrency;
    measured.rate = options.load->rate;
    if (!options.load->once()) ledger.selected = measured.requests;
    if (measured.rate <= 0 && measured.responses > 0) {
      const std::uint64_t clients = std::min(measured.concurrency, measured.connections);
      measured.expected_interval = measured.took * static_cast<std::int64_t>(clients) /
                                   static_cast<std::int64_t>(measured.responses);
    }
    ledger.replayed(measured.requests);
  }
  ledger.performance = std::move(measured);
}

}  // namespace reprise::replayer
