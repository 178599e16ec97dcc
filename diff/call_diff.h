// Differences of the external calls of one context.
//
// Calls are paired by what they say, not by their number: first those with equal requests, then
// those of equal protocol, peer and operation, then those of equal protocol and operation (a peer
// may have moved), each time in their order. An added call therefore is one difference.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "diff/difference.h"
#include "event/exchange.h"
#include "protocol/message.h"

namespace reprise::diff {

// A call as far as pairing needs it.
struct CallSummary {
  event::Call call;
  std::uint64_t request_hash = 0;  // of its bytes
  bool paired = false;             // with a call of another context (unattributed_calls.h)
};

// Calls of the same context; `index` is that among all calls of it.
struct CallPair {
  std::size_t base = 0, candidate = 0;
  bool reordered = false;  // relative to other pairs, and not merely because they overlapped
};
struct CallPairs {
  std::vector<CallPair> pairs;  // in the order of the base
  std::vector<std::size_t> missing, extra;
};

// Preludes are connection set-up, which belongs to a pool: they are left out. So is what has a
// partner already.
CallPairs pair_calls(const std::vector<CallSummary>& base,
                     const std::vector<CallSummary>& candidate);

// "POST /charge at payments:8443"
std::string call_name(const event::Call& call);

}  // namespace reprise::diff
