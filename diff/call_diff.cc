#include "diff/call_diff.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include "diff/sequence_alignment.h"
#include "protocol/message.h"

namespace reprise::diff {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

using Key = std::tuple<event::Protocol, std::string, std::string, std::uint64_t>;
enum class Pass { kRequest, kPeer, kOperation };

bool is_compared(const CallSummary& summary) { return !summary.call.prelude && !summary.paired; }

Key key_of(const CallSummary& summary, Pass pass) {
  const event::Call& call = summary.call;
  return {call.protocol, pass == Pass::kOperation ? "" : call.peer, call.operation,
          pass == Pass::kRequest ? summary.request_hash : 0};
}

// Pairs calls of equal keys that have no partner yet; `partners` has an entry for each base call.
void pair_equal(const std::vector<CallSummary>& base, const std::vector<CallSummary>& candidate,
                Pass pass, std::vector<std::size_t>& partners, std::vector<bool>& taken) {
  std::map<Key, std::deque<std::size_t>> free;
  for (std::size_t i = 0; i < candidate.size(); ++i) {
    if (!taken[i] && is_compared(candidate[i])) free[key_of(candidate[i], pass)].push_back(i);
  }
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (partners[i] != kNone || !is_compared(base[i])) continue;
    const auto place = free.find(key_of(base[i], pass));
    if (place == free.end() || place->second.empty()) continue;
    partners[i] = place->second.front();
    place->second.pop_front();
    taken[partners[i]] = true;
  }
}

// Whether the later of two calls began before the earlier one had its answer: their order is
// chance.
bool overlap(const event::Call& earlier, const event::Call& later) {
  return earlier.last_byte_in.ticks == 0 || later.first_byte_out < earlier.last_byte_in;
}

// Marks the fewest calls without which the others are in the order of the base.
void mark_reordered(const std::vector<CallSummary>& base, std::vector<CallPair>& pairs) {
  std::vector<std::size_t> order;
  order.reserve(pairs.size());
  for (const CallPair& pair : pairs) order.push_back(pair.candidate);
  const std::vector<std::size_t> kept = longest_growing(order);
  if (kept.size() == pairs.size()) return;
  std::vector<bool> in_order(pairs.size());
  for (const std::size_t index : kept) in_order[index] = true;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::size_t j = 0; j < pairs.size() && !in_order[i] && !pairs[i].reordered; ++j) {
      const bool crossed = (i < j) != (pairs[i].candidate < pairs[j].candidate);
      if (i == j || !crossed) continue;
      const event::Call& earlier = base[pairs[std::min(i, j)].base].call;
      const event::Call& later = base[pairs[std::max(i, j)].base].call;
      pairs[i].reordered = !overlap(earlier, later);
    }
  }
}

}  // namespace

CallPairs pair_calls(const std::vector<CallSummary>& base,
                     const std::vector<CallSummary>& candidate) {
  std::vector<std::size_t> partners(base.size(), kNone);
  std::vector<bool> taken(candidate.size());
  for (const Pass pass : {Pass::kRequest, Pass::kPeer, Pass::kOperation}) {
    pair_equal(base, candidate, pass, partners, taken);
  }
  CallPairs result;
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (partners[i] != kNone) {
      result.pairs.push_back({i, partners[i]});
    } else if (is_compared(base[i])) {
      result.missing.push_back(i);
    }
  }
  for (std::size_t i = 0; i < candidate.size(); ++i) {
    if (!taken[i] && is_compared(candidate[i])) result.extra.push_back(i);
  }
  mark_reordered(base, result.pairs);
  return result;
}

std::string call_name(const event::Call& call) {
  std::string name = protocol::call_title(call);
  if (name.empty()) name = "call";
  return name + " at " + call.peer;
}

}  // namespace reprise::diff
