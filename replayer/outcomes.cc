#include "replayer/outcomes.h"

#include <algorithm>

namespace reprise::replayer {

using Outcome = RecordedConnect::Outcome;
using Kind = event::Context::Kind;

ConnectOutcomes::ConnectOutcomes(const Plan& plan)
    : plan_(plan), given_(plan.connects.size(), false) {
  for (std::uint32_t i = 0; i < plan.connects.size(); ++i) {
    const RecordedConnect& connect = plan.connects[i];
    Peer& peer = peers_[{connect.peer, connect.type}];
    peer.in[connect.context].push_back(i);
    const auto thread = plan.threads.find(connect.thread);
    if (thread != plan.threads.end()) peer.of[thread->second].push_back(i);
    if (connect.outcome == Outcome::kEstablished) {
      peer.established.push_back(i);
      peer.last_established = i;
    } else {
      peer.last_failed = i;
    }
  }
}

const RecordedConnect* ConnectOutcomes::take(const event::Context& context, NameId peer_name,
                                             std::int32_t type, const RecordedThread& thread) {
  const auto found = peers_.find({peer_name, type});
  if (found == peers_.end()) return nullptr;
  Peer& peer = found->second;
  if (const auto number = own(peer, context, thread)) return give(peer, *number);
  if (const auto number = of_unknown(peer, context, thread)) return give(peer, *number);
  if (const auto number = of_context(peer, context)) return give(peer, *number);
  if (const auto number = first_left(peer.established)) return give(peer, *number);
  const auto last = peer.last_established ? peer.last_established : peer.last_failed;
  return &plan_.connects[*last];
}

std::optional<std::uint32_t> ConnectOutcomes::first_left(Numbers& numbers) const {
  while (!numbers.empty() && !is_left(numbers.front())) numbers.pop_front();
  return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

std::optional<std::uint32_t> ConnectOutcomes::of_context(Peer& peer,
                                                         const event::Context& context) const {
  const auto in = peer.in.find(context);
  return in == peer.in.end() ? std::nullopt : first_left(in->second);
}

// Of its context; where that is nobody's in particular, only what the same thread made.
std::optional<std::uint32_t> ConnectOutcomes::own(Peer& peer, const event::Context& context,
                                                  const RecordedThread& thread) const {
  if (context.kind == Kind::kExchange) return of_context(peer, context);
  const auto of = peer.of.find(thread);
  if (of == peer.of.end()) return std::nullopt;
  const auto same = std::ranges::find_if(of->second, [&](std::uint32_t number) {
    return is_left(number) && plan_.connects[number].context == context;
  });
  return same == of->second.end() ? std::nullopt : std::optional(*same);
}

// One that was established for a context that only one of the two runs knows.
std::optional<std::uint32_t> ConnectOutcomes::of_unknown(Peer& peer, const event::Context& context,
                                                         const RecordedThread& thread) const {
  const auto fits = [&](std::uint32_t number) {
    const RecordedConnect& connect = plan_.connects[number];
    const bool unknown =
        context.kind == Kind::kUnattributed || connect.context.kind == Kind::kUnattributed;
    return is_left(number) && unknown && connect.outcome == Outcome::kEstablished;
  };
  const auto of = peer.of.find(thread);
  if (of == peer.of.end() || !first_left(of->second)) return std::nullopt;
  const auto same = std::ranges::find_if(of->second, fits);
  return same == of->second.end() ? std::nullopt : std::optional(*same);
}

const RecordedConnect* ConnectOutcomes::give(Peer& peer, std::uint32_t number) {
  given_[number] = true;
  const RecordedConnect* connect = &plan_.connects[number];
  if (connect->outcome == Outcome::kEstablished) peer.last_established = number;
  return connect;
}

LookupOutcomes::LookupOutcomes(const Plan& plan) : plan_(plan) {
  for (const RecordedLookup& lookup : plan.lookups) {
    const event::LookedUp& answer = plan.lookup_answers[lookup.answer];
    Name& name = names_[{answer.node, answer.service}];
    name.left[lookup.context].push_back(lookup.answer);
    if (std::ranges::find(name.answers, lookup.answer) == name.answers.end()) {
      name.answers.push_back(lookup.answer);
    }
  }
}

bool LookupOutcomes::same_hints(const event::LookedUp& a, const event::LookedUp& b) {
  return a.family == b.family && a.type == b.type && a.protocol == b.protocol && a.flags == b.flags;
}

LookupOutcomes::Found LookupOutcomes::take(const event::Context& context,
                                           const event::LookedUp& query) {
  const auto found = names_.find({query.node, query.service});
  if (found == names_.end()) return {};
  Name& name = found->second;
  const auto same = [&](std::uint32_t answer) {
    return same_hints(plan_.lookup_answers[answer], query);
  };
  if (const auto own = name.left.find(context); own != name.left.end()) {
    const auto next = std::ranges::find_if(own->second, same);
    if (next != own->second.end()) {
      const std::uint32_t answer = *next;
      own->second.erase(next);
      return {&plan_.lookup_answers[answer], false};
    }
  }
  const auto any = std::ranges::find_if(name.answers, same);
  if (any != name.answers.end()) return {&plan_.lookup_answers[*any], false};
  return {&plan_.lookup_answers[name.answers.front()], true};
}

}  // namespace reprise::replayer
