// What became of recorded connects and name lookups: pool work, which a cache or a pool may do at
// another time than it was recorded. Each is answered from its own context first, and else from
// any.
//
// For whom a connect is made, one run may know and another one not (`unattributed`): then the
// thread that makes it says which it is. Taken from any context instead, it would be one that
// another exchange makes later and does not find any more; and where the protocol is not read,
// whoever has another one's connection is told what was told there. The same holds for one that is
// made for nobody: a thread that is a little later may have a client by then.
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

  // The outcome for a connect to `peer` that `thread` makes in `context`; null when the recorded
  // service never went there. A failure is given outside of its context only where nothing else
  // ever happened with that peer.
  // `type`: SOCK_STREAM or SOCK_DGRAM; a peer may be reached by both.
  const RecordedConnect* take(const event::Context& context, NameId peer, std::int32_t type,
                              const RecordedThread& thread);

 private:
  using Numbers = std::deque<std::uint32_t>;  // in Plan::connects
  struct Peer {
    // Not given yet, or already given from another one of these.
    std::map<event::Context, Numbers> in;
    std::map<RecordedThread, Numbers> of;
    Numbers established;
    std::optional<std::uint32_t> last_established, last_failed;
  };

  bool is_left(std::uint32_t number) const { return !given_[number]; }
  std::optional<std::uint32_t> first_left(Numbers& numbers) const;
  std::optional<std::uint32_t> of_context(Peer& peer, const event::Context& context) const;
  std::optional<std::uint32_t> own(Peer& peer, const event::Context& context,
                                   const RecordedThread& thread) const;
  std::optional<std::uint32_t> of_unknown(Peer& peer, const event::Context& context,
                                          const RecordedThread& thread) const;
  const RecordedConnect* give(Peer& peer, std::uint32_t number);

  const Plan& plan_;
  std::vector<bool> given_;
  std::map<std::pair<NameId, std::int32_t>, Peer> peers_;  // by type
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
