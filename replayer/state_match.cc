// How a request is matched that only asks for the state its connection is in (PostgreSQL's Sync,
// which is answered with whether a transaction is open).
//
// By context and ordinal it would be wrong: a statement that a changed build adds brings a Sync of
// its own, and that of a prepared statement comes wherever a pooled connection needs it.
#include <algorithm>

#include "replayer/match.h"

namespace reprise::replayer {
namespace {

// How many calls behind one are looked through for the state that it led to, and how many requests
// of its kind for one that was answered with it.
constexpr std::size_t kReach = 256;
// Of a response's end, where its state is.
constexpr std::uint64_t kStateBytes = 6;

}  // namespace

bool Matcher::asks_state(const RecordedCall& call) const {
  return protocol::asks_state(call.protocol, plan_.names[call.operation]);
}

char Matcher::state_after(const RecordedCall& call) const {
  const std::uint64_t end = call.response.end;
  if (end <= call.response.begin) return '\0';
  const event::ByteRange range{std::max(call.response.begin, end - std::min(end, kStateBytes)),
                               end};
  return protocol::state_after(call.protocol,
                               plan_.streams->bytes({call.connection, Flow::kReceived}, range));
}

// The answer to the one that came next in the recording, if but for set-up; else one that was
// answered with the same state elsewhere.
std::optional<CallMatch> Matcher::match_state(const CallRequest& request) {
  if (!protocol::asks_state(request.protocol, request.operation)) return std::nullopt;
  if (request.follows == nullptr) return std::nullopt;
  const RecordedConnection* connection = plan_.connection(request.follows->connection);
  if (connection == nullptr) return std::nullopt;
  const auto& calls = connection->transactions;
  auto next = std::ranges::upper_bound(
      calls, request.follows->request.begin, {},
      [&](std::uint32_t index) { return plan_.calls[index].request.begin; });
  for (auto call = next; call != calls.end() && plan_.calls[*call].prelude; ++call) {
    if (!asks_state(plan_.calls[*call])) continue;
    if (!plan_.calls[*call].complete) break;
    return give(*call, Fidelity::kExact, "");
  }
  char state = state_after(*request.follows);
  for (std::size_t i = 0; state == 0 && next != calls.end() && i < kReach; ++i, ++next) {
    state = state_after(plan_.calls[*next]);
  }
  const auto like = state_like(request, state);
  return like ? std::optional(give(*like, Fidelity::kExact, "")) : std::nullopt;
}

std::optional<std::uint32_t> Matcher::state_like(const CallRequest& request, char state) {
  const auto operation = name(request.operation);
  if (state == 0 || !request.peer || !operation) return std::nullopt;
  const auto found = preludes_.find(
      {event::Context::background(), *request.peer, request.protocol, *operation, {}});
  if (found == preludes_.end()) return std::nullopt;
  const auto& candidates = found->second.left;
  for (std::size_t i = 0; i < std::min(candidates.size(), kReach); ++i) {
    const RecordedCall& call = plan_.calls[candidates[i]];
    if (is_followed_at_once(call) && state_after(call) == state) return candidates[i];
  }
  return std::nullopt;
}

// Whether nothing came behind its answer that would be given with it: what the peer said unasked,
// or its end.
bool Matcher::is_followed_at_once(const RecordedCall& call) const {
  const RecordedConnection* connection = plan_.connection(call.connection);
  if (connection == nullptr) return false;
  const auto& calls = connection->transactions;
  auto next = std::ranges::upper_bound(calls, call.request.begin, {}, [&](std::uint32_t index) {
    return plan_.calls[index].request.begin;
  });
  while (next != calls.end() && plan_.calls[*next].response.empty()) ++next;
  return next != calls.end() && plan_.calls[*next].response.begin == call.response.end;
}

}  // namespace reprise::replayer
