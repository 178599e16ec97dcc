// The accounts of the replayed exchanges: which recorded one each stands for, what was drawn for
// it, and whether it is settled (settlement.h).
//
// Ownership: borrows stage and clients. Threading: one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/event.h"
#include "replayer/clients.h"
#include "replayer/draw_comparison.h"
#include "replayer/draw_tally.h"
#include "replayer/driver.h"
#include "replayer/leak_watch.h"
#include "replayer/stage.h"

namespace reprise::replayer {

class Accounts {
 public:
  Accounts(Stage& stage, const Clients& clients)
      : stage_(stage), clients_(clients), draws_(stage.plan.draws, tally_) {}

  // From the collector.
  void on_event(const event::Event& event);

  // The context of the recording that one of this replay stands for; background for a request that
  // nobody recorded.
  event::Context recorded(const event::Context& context);

  // Settles the responses of exchanges that are over, and what was done for older ones.
  void settle(const std::vector<DrivenExchange>& finished);
  // Nothing is worked on any more: settles the rest and tells the ledger the totals.
  void close();

 private:
  void settle_work(std::size_t left);

  Stage& stage_;
  const Clients& clients_;
  DrawTally tally_;
  DrawComparison draws_;
  std::set<std::string> processes_;  // fork paths
  // Exchanges of this replay by the recorded number they stand for, and the other way round.
  std::unordered_map<event::ExchangeId, event::ExchangeId> recorded_of_, replayed_of_;
  std::deque<const RecordedExchange*> working_;  // answered, and maybe still worked on
};

// Tells the ledger what the agent gave and what escaped it, at the end.
void tell_given(Stage& stage, const LeakWatch& leaks);

}  // namespace reprise::replayer
