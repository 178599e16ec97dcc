#include "replayer/match.h"

#include <algorithm>
#include <tuple>

#include "protocol/message.h"

namespace reprise::replayer {
namespace {

using event::Context;

// How many calls of one address that nobody was given are looked through for an equal request, and
// how many are looked back at. Bounds the work where thousands of calls share an address, as in a
// polling background thread.
constexpr std::size_t kWindow = 64;

}  // namespace

const char* fidelity_name(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::kExact:
      return "exact";
    case Fidelity::kRelaxed:
      return "relaxed";
    case Fidelity::kSubstituted:
      return "substituted";
    case Fidelity::kMissed:
      return "missed";
  }
  return "";
}

Matcher::Matcher(const Plan& plan) : plan_(plan), given_(plan.calls.size(), Given::kNot) {
  for (std::uint32_t i = 0; i < plan.calls.size(); ++i) {
    const NameId operation = plan.calls[i].operation;
    names_.try_emplace(plan.names[operation], operation);
    const RecordedCall& call = plan.calls[i];
    if (call.prelude && call.complete) {
      names_.try_emplace(plan.names[call.target], call.target);
      preludes_[{Context::background(), call.peer, call.protocol, operation, call.target}]
          .left.push_back(i);
    }
  }
}

void Matcher::index(const Context& context) {
  if (!indexed_.try_emplace(context, true).second) return;
  for (const RecordedCall& call : plan_.calls_in(context)) {
    if (call.protocol == event::Protocol::kOpaque || call.request.empty()) continue;
    const auto number = static_cast<std::uint32_t>(&call - plan_.calls.data());
    groups_[{context, call.peer, call.protocol, call.operation, {}}].calls.push_back(number);
  }
}

Matcher::Group* Matcher::group(const Context& context, const CallRequest& request) {
  const auto operation = name(request.operation);
  if (!request.peer || !operation) return nullptr;
  index(context);
  const auto found = groups_.find({context, *request.peer, request.protocol, *operation, {}});
  return found == groups_.end() ? nullptr : &found->second;
}

std::optional<NameId> Matcher::name(const std::string& text) const {
  const auto found = names_.find(text);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

bool Matcher::equal(const RecordedCall& call, const CallRequest& request) const {
  if (call.request.size() != request.bytes.size()) return false;
  if (plan_.names[call.target] != request.target) return false;
  return plan_.streams->bytes({call.connection, Flow::kSent}, call.request) == request.bytes;
}

protocol::RequestComparison Matcher::compare(const RecordedCall& call,
                                             const protocol::Message& actual) const {
  const event::Bytes bytes = plan_.streams->bytes({call.connection, Flow::kSent}, call.request);
  return protocol::compare_requests(
      protocol::parse_request(call.protocol, bytes, plan_.names[call.target]), actual);
}

CallMatch Matcher::give(std::uint32_t call, Fidelity fidelity, std::string difference) {
  const bool own = fidelity != Fidelity::kSubstituted;
  const bool reclaimed = own && given_[call] == Given::kSubstitute;
  given_[call] = own ? Given::kOwn : Given::kSubstitute;
  return {.fidelity = fidelity,
          .call = &plan_.calls[call],
          .past_tape = false,
          .difference = std::move(difference),
          .reclaimed = reclaimed};
}

CallMatch Matcher::match(const CallRequest& request) {
  if (auto match = match_state(request)) return *std::move(match);
  Group* own = group(request.context, request);
  const bool in_exchange = request.context.kind == Context::Kind::kExchange;
  if (gives_again_ && in_exchange && own != nullptr && !request.prelude) {
    return *match_again(*own, request);
  }
  if (own != nullptr) {
    if (auto match = match_equal(*own, request)) return *std::move(match);
  }
  if (request.prelude) {
    if (auto match = match_prelude(request)) return *std::move(match);
  }
  if (auto match = match_elsewhere(request)) return *std::move(match);
  if (own != nullptr) {
    if (auto match = match_unequal(*own, request)) return *std::move(match);
  }
  if (own != nullptr && request.context.kind == Context::Kind::kBackground) {
    return past_tape(*own, request);
  }
  CallMatch missed;
  missed.difference = own == nullptr ? "no such call was recorded here"
                                     : "all recorded calls of this kind were answered";
  return missed;
}

// Those that nobody was given, and before them the last that went to others as substitutes.
std::vector<std::uint32_t> Matcher::window(Group& group) const {
  const std::vector<std::uint32_t>& calls = group.calls;
  std::size_t& next = group.first_not_given;
  while (next < calls.size() && given_[calls[next]] != Given::kNot) ++next;
  std::vector<std::uint32_t> window;
  std::size_t left = kWindow;
  for (std::size_t i = next - std::min(next, kWindow); i < calls.size() && left > 0; ++i) {
    const Given given = given_[calls[i]];
    if (given != Given::kOwn) window.push_back(calls[i]);
    if (given == Given::kNot) --left;
  }
  return window;
}

std::optional<CallMatch> Matcher::match_equal(Group& group, const CallRequest& request) {
  for (const std::uint32_t call : window(group)) {
    if (equal(plan_.calls[call], request)) return give(call, Fidelity::kExact, "");
  }
  return std::nullopt;
}

std::optional<CallMatch> Matcher::match_unequal(Group& group, const CallRequest& request) {
  const protocol::Message actual =
      protocol::parse_request(request.protocol, request.bytes, request.target);
  std::optional<std::uint32_t> next;  // the first that nobody was given
  std::string difference;
  for (const std::uint32_t call : window(group)) {
    if (given_[call] != Given::kNot) continue;
    auto comparison = compare(plan_.calls[call], actual);
    using Degree = protocol::RequestComparison::Degree;
    if (comparison.degree == Degree::kExact) return give(call, Fidelity::kExact, "");
    if (comparison.degree == Degree::kRelaxed) {
      return give(call, Fidelity::kRelaxed, std::move(comparison.difference));
    }
    if (!next) {
      next = call;
      difference = std::move(comparison.difference);
    }
  }
  if (!next) return std::nullopt;
  return give(*next, Fidelity::kSubstituted, std::move(difference));
}

// The first from where the last one was given on, and then from the beginning: an exchange that
// asks as it did gets its answers in their order each time.
std::optional<CallMatch> Matcher::match_again(Group& group, const CallRequest& request) {
  const std::size_t count = group.calls.size();
  const auto at = [&](std::size_t i) { return (group.next + i) % count; };
  const auto give_at = [&](std::size_t place, Fidelity fidelity, std::string difference) {
    group.next = (place + 1) % count;
    CallMatch match = give(group.calls[place], fidelity, std::move(difference));
    match.reclaimed = false;
    return match;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (equal(plan_.calls[group.calls[at(i)]], request))
      return give_at(at(i), Fidelity::kExact, "");
  }
  const protocol::Message actual =
      protocol::parse_request(request.protocol, request.bytes, request.target);
  std::string difference;
  for (std::size_t i = 0; i < std::min(count, kWindow); ++i) {
    auto comparison = compare(plan_.calls[group.calls[at(i)]], actual);
    using Degree = protocol::RequestComparison::Degree;
    if (comparison.degree == Degree::kExact) return give_at(at(i), Fidelity::kExact, "");
    if (comparison.degree == Degree::kRelaxed) {
      return give_at(at(i), Fidelity::kRelaxed, std::move(comparison.difference));
    }
    if (i == 0) difference = std::move(comparison.difference);
  }
  return give_at(at(0), Fidelity::kSubstituted, std::move(difference));
}

// A call whose context one of the two archives does not know: an equal request is taken for the
// same, though another one may have got its answer as a substitute before.
std::optional<CallMatch> Matcher::match_elsewhere(const CallRequest& request) {
  std::vector<Context> others;
  if (request.context.kind != Context::Kind::kUnattributed) {
    others.push_back(Context::unattributed());
  } else {
    for (const event::ExchangeId id : request.in_flight) others.push_back(Context::of(id));
    others.push_back(Context::background());
  }
  for (const Context& other : others) {
    Group* candidates = group(other, request);
    if (candidates == nullptr) continue;
    for (const std::uint32_t call : window(*candidates)) {
      if (equal(plan_.calls[call], request)) {
        return give(call, Fidelity::kRelaxed, "recorded without a known context");
      }
    }
  }
  return std::nullopt;
}

std::optional<CallMatch> Matcher::match_prelude(const CallRequest& request) {
  const auto operation = name(request.operation), target = name(request.target);
  if (!request.peer || !operation) return std::nullopt;
  const Key key{Context::background(), *request.peer, request.protocol, *operation,
                target.value_or(NameId{})};
  const auto found = preludes_.find(key);
  if (!target || found == preludes_.end()) return match_prelude_like(key, request);
  auto& [left, samples] = found->second;
  const auto same = [&](std::uint32_t call) { return equal(plan_.calls[call], request); };
  const auto sample = std::ranges::find_if(samples, same);
  const auto window = left.begin() + static_cast<std::ptrdiff_t>(std::min(left.size(), kWindow));
  const auto fresh = std::find_if(left.begin(), window, same);
  if (fresh == window) {
    return sample == samples.end() ? match_prelude_like(key, request)
                                   : std::optional(give(*sample, Fidelity::kExact, ""));
  }
  const std::uint32_t call = *fresh;
  left.erase(fresh);
  if (sample == samples.end()) samples.push_back(call);
  return give(call, Fidelity::kExact, "");
}

// Set-up that says the same in other words: drivers give each connection's statements other names.
std::optional<CallMatch> Matcher::match_prelude_like(Key key, const CallRequest& request) {
  const protocol::Message actual =
      protocol::parse_request(request.protocol, request.bytes, request.target);
  std::vector<std::uint32_t> candidates;
  const auto add = [&](const Preludes& preludes) {
    for (const auto* calls : {&preludes.left, &preludes.samples}) {
      const std::size_t room = kWindow - std::min(kWindow, candidates.size());
      candidates.insert(
          candidates.end(), calls->begin(),
          calls->begin() + static_cast<std::ptrdiff_t>(std::min(calls->size(), room)));
    }
  };
  if (const auto same = preludes_.find(key); same != preludes_.end()) add(same->second);
  // And those about something else: some answers are the same for all.
  const Key first{key.context, key.peer, key.protocol, key.operation, {}};
  for (auto other = preludes_.lower_bound(first);
       other != preludes_.end() && candidates.size() < kWindow; ++other) {
    if (std::tie(other->first.peer, other->first.protocol, other->first.operation) !=
        std::tie(key.peer, key.protocol, key.operation)) {
      break;
    }
    add(other->second);
  }
  for (const std::uint32_t call : candidates) {
    auto comparison = compare(plan_.calls[call], actual);
    using Degree = protocol::RequestComparison::Degree;
    if (comparison.degree == Degree::kDifferent) continue;
    if (comparison.degree == Degree::kExact) return give(call, Fidelity::kExact, "");
    const auto skipped = skipped_in(plan_.calls[call]);
    if (!skipped) continue;
    CallMatch match = give(call, Fidelity::kRelaxed, std::move(comparison.difference));
    match.skip = *skipped;
    return match;
  }
  return std::nullopt;
}

// How much of the answer is left out when the request is not quite the recorded one: a proof of
// identity that another nonce went into is simply taken. None when the call does not do.
std::optional<std::uint64_t> Matcher::skipped_in(const RecordedCall& call) const {
  constexpr std::uint64_t kMost = 64 * 1024;
  if (!protocol::proves_identity(call.protocol, plan_.names[call.operation])) return 0;
  if (call.response.end <= call.response.begin) return std::nullopt;
  const event::ByteRange range{call.response.begin,
                               call.response.begin + std::min(call.response.size(), kMost)};
  return protocol::acceptance_in(call.protocol,
                                 plan_.streams->bytes({call.connection, Flow::kReceived}, range));
}

CallMatch Matcher::past_tape(const Group& group, const CallRequest& request) {
  const auto same = std::find_if(group.calls.rbegin(), group.calls.rend(), [&](std::uint32_t call) {
    return equal(plan_.calls[call], request);
  });
  const std::uint32_t call = same == group.calls.rend() ? group.calls.back() : *same;
  return {.fidelity = Fidelity::kExact,
          .call = &plan_.calls[call],
          .past_tape = true,
          .difference = "",
          .reclaimed = false};
}

const RecordedCall* Matcher::expected(const CallRequest& request) {
  Group* own = group(request.context, request);
  if (own == nullptr) return nullptr;
  const auto next = std::ranges::find_if(
      own->calls, [&](std::uint32_t call) { return given_[call] == Given::kNot; });
  return next == own->calls.end() ? nullptr : &plan_.calls[*next];
}

void Matcher::give_opaque(const RecordedCall& call) {
  given_[static_cast<std::size_t>(&call - plan_.calls.data())] = Given::kOwn;
}

std::vector<const RecordedCall*> Matcher::finish(event::ExchangeId exchange) {
  const Context context = Context::of(exchange);
  std::vector<const RecordedCall*> left;
  for (const RecordedCall& call : plan_.calls_in(context)) {
    const auto number = static_cast<std::size_t>(&call - plan_.calls.data());
    const bool asked = !call.prelude && !call.request.empty();
    if (given_[number] == Given::kNot && asked) left.push_back(&call);
    groups_.erase({context, call.peer, call.protocol, call.operation, {}});
  }
  indexed_.erase(context);
  return left;
}

}  // namespace reprise::replayer
