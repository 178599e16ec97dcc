// What became of recorded connects and name lookups: pool work, which a cache or a pool may do at
// another time than it was recorded. Each is answered from its own context first, and else from
// any.
//
// Ownership: borrows the plan. Threading: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replayer/plan.h"

namespace reprise::replayer {

class ConnectOutcomes {
 public:
  explicit ConnectOutcomes(const Plan& plan);

  // The outcome for a connect to `peer` in `context`; null when the recorded service never went
  // there. A failure is given outside of its context only where nothing else ever happened with
  // that peer.
  const RecordedConnect* take(const event::Context& context, NameId peer);

 private:
  using Numbers = std::deque<std::uint32_t>;  // in Plan::connects
  struct Peer {
    std::map<event::Context, Numbers> left;
    Numbers established;  // not given yet, or already given from their own context
    std::optional<std::uint32_t> last_established, last_failed;
  };

  const RecordedConnect* give(Peer& peer, std::uint32_t number);

  const Plan& plan_;
  std::vector<bool> given_;
  std::map<NameId, Peer> peers_;
};

class LookupOutcomes {
 public:
  explicit LookupOutcomes(const Plan& plan);

  struct Found {
    const event::LookedUp* lookup = nullptr;  // null when the name was never looked up
    bool relaxed = false;                     // the hints differ
  };
  // `query` is a lookup without its result.
  Found take(const event::Context& context, const event::LookedUp& query);

 private:
  struct Name {
    std::map<event::Context, std::deque<std::uint32_t>> left;  // in Plan::lookup_answers
    std::vector<std::uint32_t> answers;                        // all, each once
  };
  static bool same_hints(const event::LookedUp& a, const event::LookedUp& b);

  const Plan& plan_;
  std::map<std::pair<std::string, std::string>, Name> names_;  // by node and service
};

}  // namespace reprise::replayer
