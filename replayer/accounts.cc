#include "replayer/accounts.h"

#include "replayer/settlement.h"

namespace reprise::replayer {
namespace {

// Exchanges that may still be worked on after their answer: as many as the collector remembers.
constexpr std::size_t kWorkedOn = 64;

}  // namespace

void Accounts::on_event(const event::Event& event) {
  tally_.on_event(event);
  if (const auto* started = std::get_if<event::ProcessStarted>(&event.fact)) {
    processes_.insert(started->path);
  }
  // Learns which recorded exchange this one stands for while the collector still knows it.
  if (event.context.kind == event::Context::Kind::kExchange) (void)recorded(event.context);
}

event::Context Accounts::recorded(const event::Context& context) {
  if (context.kind != event::Context::Kind::kExchange) return context;
  if (const auto known = recorded_of_.find(context.exchange); known != recorded_of_.end()) {
    return event::Context::of(known->second);
  }
  const event::Exchange* exchange = stage_.service.exchange(context.exchange);
  const event::ExchangeId id =
      exchange == nullptr ? event::ExchangeId{}
                          : clients_.recorded_exchange(exchange->connection, exchange->ordinal);
  if (!id) return event::Context::background();
  recorded_of_[context.exchange] = id;
  replayed_of_[id] = context.exchange;
  return event::Context::of(id);
}

void Accounts::settle(const std::vector<DrivenExchange>& finished) {
  for (const DrivenExchange& exchange : finished) {
    settle_response(stage_, exchange);
    working_.push_back(exchange.recorded);
  }
  settle_work(kWorkedOn);
}

// Closes the accounts of all but the last `left` exchanges that were answered.
void Accounts::settle_work(std::size_t left) {
  while (working_.size() > left) {
    const RecordedExchange& exchange = *working_.front();
    working_.pop_front();
    const auto replayed = replayed_of_.find(exchange.id);
    const bool seen = replayed != replayed_of_.end();
    replayer::settle_work(stage_, exchange, draws_,
                          seen ? tally_.of(replayed->second) : DrawTally::Counts{});
    if (seen) tally_.forget(replayed->second);
    stage_.clock.end(exchange.id);
  }
}

void Accounts::close() {
  settle_work(0);
  Ledger& ledger = stage_.ledger;
  ledger.incidental_draws_recorded = stage_.plan.draws.incidental();
  ledger.incidental_draws_replayed = tally_.incidental();
  ledger.unattributed_draws = tally_.unattributed();
  if (draws_.excused() > 0) {
    ledger.note("exchanges drew otherwise than recorded, by " + std::to_string(draws_.excused()) +
                " draws: they may be those that one of both runs does not know for whom they "
                "were made");
  }
  if (processes_.size() > stage_.plan.processes) {
    ledger.note("the service started " + std::to_string(processes_.size()) +
                " processes, recorded " + std::to_string(stage_.plan.processes) +
                ": what the others draw has no recorded counterpart");
  }
}

void tell_given(Stage& stage, const LeakWatch& leaks) {
  Ledger& ledger = stage.ledger;
  const abi::ControlHeader& given = stage.control.header();
  ledger.draws_exact = given.draws_exact.load(std::memory_order_relaxed);
  ledger.draws_relaxed = given.draws_relaxed.load(std::memory_order_relaxed);
  ledger.coverage.hooked = given.calls_hooked.load(std::memory_order_relaxed);
  ledger.coverage.leaks = leaks.totals();
  for (const auto& [name, count] : ledger.coverage.leaks) ledger.coverage.leaked += count;
  ledger.coverage.watched = given.leak_watch.load(std::memory_order_acquire) == abi::LeakWatch::kOn;
}

}  // namespace reprise::replayer
