#include "replayer/ledger.h"

#include <algorithm>

namespace reprise::replayer {
namespace {

std::string call_words(const CallRequest& request, const std::string& peer) {
  return (request.operation.empty() ? "call" : request.operation) + " to " + peer;
}

}  // namespace

const char* divergence_name(Divergence::Kind kind) {
  switch (kind) {
    case Divergence::Kind::kResponse:
      return "response";
    case Divergence::Kind::kNoResponse:
      return "no response";
    case Divergence::Kind::kExtraResponse:
      return "extra response";
    case Divergence::Kind::kExtraCall:
      return "extra call";
    case Divergence::Kind::kMissingCall:
      return "missing call";
    case Divergence::Kind::kChangedCall:
      return "changed call";
    case Divergence::Kind::kExtraConnect:
      return "extra connect";
    case Divergence::Kind::kExtraLookup:
      return "extra lookup";
    case Divergence::Kind::kExtraDraw:
      return "extra draw";
    case Divergence::Kind::kMissingDraw:
      return "missing draw";
    case Divergence::Kind::kListen:
      return "listen";
    case Divergence::Kind::kExit:
      return "exit";
  }
  return "";
}

void Ledger::diverge(Divergence divergence) {
  if (tells_once_) {
    const std::string what = std::string(divergence_name(divergence.kind)) + '\n' +
                             divergence.expected + '\n' + divergence.actual;
    if (!told_.emplace(divergence.exchange, what).second) return;
  }
  divergences_.push_back(std::move(divergence));
}

void Ledger::answered(const CallRequest& request, const CallMatch& match, const std::string& peer) {
  if (request.context.kind == event::Context::Kind::kUnattributed) ++unattributed_;
  if (match.call != nullptr) last_answer_ = {match.call, match.fidelity};
  if (match.past_tape) {
    ++background_repeats_;
    return;
  }
  count(match.fidelity);
  const event::ExchangeId exchange = request.context.exchange;
  if (match.reclaimed) {
    // The recorded answer was given to another call before its own came: that one was extra.
    const auto earlier = substitutes_.find(match.call->id);
    if (earlier != substitutes_.end()) {
      Divergence& divergence = divergences_[earlier->second];
      divergence.kind = Divergence::Kind::kExtraCall;
      divergence.expected.clear();
      substitutes_.erase(earlier);
    }
  }
  if (match.fidelity == Fidelity::kMissed) {
    diverge({exchange, Divergence::Kind::kExtraCall, "", call_words(request, peer)});
  } else if (match.fidelity == Fidelity::kSubstituted) {
    substitutes_[match.call->id] = divergences_.size();
    diverge({exchange, Divergence::Kind::kChangedCall, call_words(request, peer),
             call_words(request, peer) + ", other " + match.difference});
  }
}

void Ledger::answered_opaque(const event::Context& context, const RecordedCall* call,
                             const std::string& peer) {
  if (call != nullptr) last_answer_ = {call, Fidelity::kExact};
  if (context.kind == event::Context::Kind::kUnattributed) ++unattributed_;
  count(call != nullptr ? Fidelity::kExact : Fidelity::kMissed);
  if (call != nullptr) return;
  diverge({context.exchange, Divergence::Kind::kExtraCall, "",
           "bytes to " + peer + " that the recording does not have there"});
}

void Ledger::looked_up(const event::Context& context, const event::LookedUp& query,
                       std::optional<Fidelity> fidelity) {
  count(fidelity.value_or(Fidelity::kMissed));
  if (fidelity) return;
  diverge({context.exchange, Divergence::Kind::kExtraLookup, "", "lookup of " + query.node});
}

void Ledger::refused_connect(const event::Context& context, const std::string& peer) {
  count(Fidelity::kMissed);
  diverge({context.exchange, Divergence::Kind::kExtraConnect, "", "connect to " + peer});
}

void Ledger::sort_divergences() {
  std::ranges::stable_sort(divergences_, {}, [](const Divergence& divergence) {
    return divergence.exchange ? divergence.exchange.value : UINT64_MAX;
  });
  substitutes_.clear();  // refer to places that are others now
}

void Ledger::note(std::string text) {
  if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(std::move(text));
}

bool Ledger::within(Policy policy) const {
  if (fidelity(Fidelity::kMissed) > 0) return false;
  if (policy == Policy::kSubstituted) return true;
  if (fidelity(Fidelity::kSubstituted) > 0) return false;
  return policy == Policy::kRelaxed || fidelity(Fidelity::kRelaxed) == 0;
}

}  // namespace reprise::replayer
