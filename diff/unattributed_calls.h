// Calls of which an archive does not know for whom they were made.
//
// How much a recording can attribute is partly chance: a thread that waited for a lock once more in
// one of the two runs may have had work handed to it there. So a call that one archive has for an
// exchange and the other one for nobody known is the same call, where request and answer are equal.
//
// Ownership: borrows both readers. Memory: a description of each such call.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <tuple>
#include <vector>

#include "archive/reader.h"
#include "diff/call_diff.h"
#include "event/exchange.h"

namespace reprise::diff {

// The calls of one context with what pairs them.
[[nodiscard]] std::vector<CallSummary> summaries(archive::Reader& reader, event::Context context);

class UnattributedCalls {
 public:
  UnattributedCalls(archive::Reader& base, archive::Reader& candidate);

  // The one that equals a call which the other archive has in some context, and is taken by it;
  // null when there is none. Those that both archives have for nobody known are kept for each
  // other.
  const event::Call* in_base(const CallSummary& of_candidate);
  const event::Call* in_candidate(const CallSummary& of_base);

  // All of them, marked where they were taken.
  const std::vector<CallSummary>& base() const { return base_.calls; }
  const std::vector<CallSummary>& candidate() const { return candidate_.calls; }

 private:
  // Protocol, peer, operation, and what the bytes of request and answer hash to.
  using Key = std::tuple<event::Protocol, std::string, std::string, std::uint64_t, std::uint64_t>;
  struct Side {
    archive::Reader& reader;
    std::vector<CallSummary> calls;
    std::map<Key, std::deque<std::size_t>> left;
  };

  static Key key_of(archive::Reader& reader, const CallSummary& summary);
  static const event::Call* take(Side& side, archive::Reader& other, const CallSummary& wanted);
  void keep_for_each_other();

  Side base_, candidate_;
};

}  // namespace reprise::diff
