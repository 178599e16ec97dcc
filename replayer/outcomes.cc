#include "replayer/outcomes.h"

#include <algorithm>

namespace reprise::replayer {

using Outcome = RecordedConnect::Outcome;

ConnectOutcomes::ConnectOutcomes(const Plan& plan)
    : plan_(plan), given_(plan.connects.size(), false) {
  for (std::uint32_t i = 0; i < plan.connects.size(); ++i) {
    const RecordedConnect& connect = plan.connects[i];
    Peer& peer = peers_[connect.peer];
    peer.left[connect.context].push_back(i);
    if (connect.outcome == Outcome::kEstablished) {
      peer.established.push_back(i);
      peer.last_established = i;
    } else {
      peer.last_failed = i;
    }
  }
}

const RecordedConnect* ConnectOutcomes::take(const event::Context& context, NameId peer_name) {
  const auto found = peers_.find(peer_name);
  if (found == peers_.end()) return nullptr;
  Peer& peer = found->second;
  if (const auto own = peer.left.find(context); own != peer.left.end()) {
    Numbers& numbers = own->second;
    while (!numbers.empty()) {
      const std::uint32_t number = numbers.front();
      numbers.pop_front();
      if (!given_[number]) return give(peer, number);
    }
    peer.left.erase(own);
  }
  while (!peer.established.empty() && given_[peer.established.front()]) {
    peer.established.pop_front();
  }
  if (!peer.established.empty()) return give(peer, peer.established.front());
  const auto last = peer.last_established ? peer.last_established : peer.last_failed;
  return &plan_.connects[*last];
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
