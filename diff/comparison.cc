#include "diff/comparison.h"

#include <cstring>
#include <utility>

#include "diff/message_diff.h"

namespace reprise::diff {
namespace {

std::string state_text(const event::Exchange& exchange) {
  if (exchange.complete) return "complete";
  return "incomplete" + (exchange.incomplete_why.empty() ? "" : ": " + exchange.incomplete_why);
}

std::string outcome_text(const event::Exchange& exchange) {
  return exchange_name(exchange) + " -> " +
         (exchange.status.empty() ? "no status" : exchange.status);
}

// Whether a replay of a part of a recording was not to replay an exchange, which is one of `other`.
bool leaves_out(const archive::Header& replay, const archive::Header& other, event::ExchangeId id) {
  if (replay.replayed_only == 0) return false;
  if (other.session != replay.replay_of) return true;  // which one it is there is not known
  const bool before = id.value < replay.replayed_only;
  return id.value != replay.replayed_only && !(replay.replayed_prefix && before);
}

std::string at_call(const std::string& prefix, std::size_t index) {
  return prefix + "call[" + std::to_string(index) + "]";
}

}  // namespace

std::string exit_text(const event::ProcessExited& exit) {
  if (exit.how == event::ProcessExited::How::kCode) return "code " + std::to_string(exit.value);
  std::string text = "signal " + std::to_string(exit.value);
  if (const char* name = sigabbrev_np(exit.value)) text += std::string(" (SIG") + name + ")";
  return text;
}

std::string exchange_name(const event::Exchange& exchange) {
  std::string name = exchange.method;
  if (!exchange.target.empty()) name += (name.empty() ? "" : " ") + exchange.target;
  return name.empty() ? "exchange" : name;
}

void Comparison::compare_all() {
  base_.each_exchange([&](const event::Exchange& exchange) {
    compare_exchange(exchange);
    return true;
  });
  tell_extra_exchanges();
  const auto background = event::Context::background();
  compare_outside(summaries(base_, background), summaries(candidate_, background), "background");
  compare_outside(unattributed_.base(), unattributed_.candidate(), "unattributed");
  compare_exit();
}

void Comparison::compare_only(event::ExchangeId base) {
  base_.each_exchange([&](const event::Exchange& exchange) {
    if (exchange.id == base) {
      compare_exchange(exchange);
    } else {
      (void)alignment_.take(exchange);  // the n-th stands for the n-th
    }
    return exchange.id != base;
  });
}

void Comparison::compare_exchange(const event::Exchange& base) {
  const auto id = alignment_.take(base);
  const auto candidate =
      id ? candidate_.exchange(*id)
         : tl::expected<event::Exchange, archive::Error>(tl::unexpected(archive::Error{}));
  if (!candidate && leaves_out(candidate_.header(), base_.header(), base.id)) {
    ++totals_.not_replayed;
    return;
  }
  if (!candidate) {
    ++totals_.missing;
    listener_.on_difference(
        {base.id, {}, exchange_name(base), {missing("exchange", outcome_text(base))}});
    return;
  }
  Outcome outcome;
  compare_pair(base, *candidate, outcome);
  if (outcome.differences.empty()) {
    ++(outcome.whole ? totals_.same : totals_.incomplete);
    return;
  }
  ++totals_.differ;
  listener_.on_difference(
      {base.id, candidate->id, exchange_name(base), std::move(outcome.differences)});
}

void Comparison::compare_pair(const event::Exchange& base, const event::Exchange& candidate,
                              Outcome& outcome) {
  if (base.complete && candidate.complete) {
    const Pair<const event::Exchange> both{base, candidate};
    compare_message(both, Side::kRequest, "request", base.method, outcome);
    compare_message(both, Side::kResponse, "response", base.method, outcome);
  } else {
    outcome.whole = false;
    if (base.complete != candidate.complete) {
      outcome.differences.push_back({"exchange", Kind::kIncomplete, Content{state_text(base)},
                                     Content{state_text(candidate)}});
    }
    if (base.status != candidate.status) {
      outcome.differences.push_back(changed("response.status", base.status, candidate.status));
    }
  }
  compare_calls(event::Context::of(base.id), event::Context::of(candidate.id), "", outcome);
}

template <typename Record>
void Comparison::compare_message(const Pair<const Record>& records, Side side,
                                 const std::string& where, const std::string& method,
                                 Outcome& outcome) {
  const auto& [base, candidate] = records;
  const bool request = side == Side::kRequest;
  const auto one = request ? base_.request(base) : base_.response(base);
  const auto other = request ? candidate_.request(candidate) : candidate_.response(candidate);
  if (!one || !other) {
    outcome.whole = false;
    const auto state = [](const auto& bytes) {
      return Content{bytes ? "complete" : "not readable: " + bytes.error().message};
    };
    if (one.has_value() != other.has_value()) {
      outcome.differences.push_back({where, Kind::kIncomplete, state(one), state(other)});
    }
    return;
  }
  const bool same_target = !request || base.target == candidate.target;
  if (*one == *other && base.protocol == candidate.protocol && same_target) return;
  if (request) {
    compare_requests(protocol::parse_request(base.protocol, *one, base.target),
                     protocol::parse_request(candidate.protocol, *other, candidate.target), where,
                     outcome.differences);
  } else {
    compare_responses(protocol::parse_response(base.protocol, *one, method),
                      protocol::parse_response(candidate.protocol, *other, method), where,
                      outcome.differences);
  }
}

void Comparison::compare_calls(event::Context base, event::Context candidate,
                               const std::string& prefix, Outcome& outcome) {
  compare_calls(summaries(base_, base), summaries(candidate_, candidate), prefix, outcome);
}

void Comparison::compare_calls(const std::vector<CallSummary>& base_calls,
                               const std::vector<CallSummary>& candidate_calls,
                               const std::string& prefix, Outcome& outcome) {
  if (base_calls.empty() && candidate_calls.empty()) return;
  const CallPairs found = pair_calls(base_calls, candidate_calls);
  for (const CallPair& pair : found.pairs) {
    const std::string where = at_call(prefix, pair.base);
    if (pair.reordered) {
      outcome.differences.push_back({where, Kind::kReordered,
                                     Content{call_name(base_calls[pair.base].call)},
                                     Content{"now " + at_call(prefix, pair.candidate)}});
    }
    compare_call({base_calls[pair.base].call, candidate_calls[pair.candidate].call}, where,
                 outcome);
  }
  for (const std::size_t index : found.missing) {
    if (const event::Call* same = unattributed_.in_candidate(base_calls[index])) {
      compare_call({base_calls[index].call, *same}, at_call(prefix, index), outcome);
      continue;
    }
    outcome.differences.push_back(
        missing(at_call(prefix, index), call_name(base_calls[index].call)));
  }
  for (const std::size_t index : found.extra) {
    if (const event::Call* same = unattributed_.in_base(candidate_calls[index])) {
      compare_call({*same, candidate_calls[index].call}, at_call(prefix, index), outcome);
      continue;
    }
    outcome.differences.push_back(
        extra(at_call(prefix, index), call_name(candidate_calls[index].call)));
  }
}

void Comparison::compare_call(const Pair<const event::Call>& calls, const std::string& where,
                              Outcome& outcome) {
  const auto& [base, candidate] = calls;
  if (base.peer != candidate.peer) {
    outcome.differences.push_back(changed(where + ".peer", base.peer, candidate.peer));
  }
  compare_message(calls, Side::kRequest, where + ".request", "", outcome);
  if (base.complete != candidate.complete) {
    const auto state = [](const event::Call& call) {
      return Content{call.complete ? "answered" : "not answered in full"};
    };
    outcome.differences.push_back({where, Kind::kIncomplete, state(base), state(candidate)});
  }
  if (!base.complete || !candidate.complete) return;
  // "HEAD /stock": the method decides whether there is a body.
  const std::string method = base.operation.substr(0, base.operation.find(' '));
  compare_message(calls, Side::kResponse, where + ".response", method, outcome);
}

void Comparison::tell_extra_exchanges() {
  candidate_.each_exchange([&](const event::Exchange& exchange) {
    if (!alignment_.left(exchange.id)) return true;
    if (leaves_out(base_.header(), candidate_.header(), exchange.id)) {
      ++totals_.not_replayed;
      return true;
    }
    ++totals_.extra;
    listener_.on_difference(
        {{}, exchange.id, exchange_name(exchange), {extra("exchange", outcome_text(exchange))}});
    return true;
  });
}

void Comparison::compare_outside(const std::vector<CallSummary>& base,
                                 const std::vector<CallSummary>& candidate,
                                 const std::string& name) {
  Outcome outcome;
  compare_calls(base, candidate, name + ".", outcome);
  // Calls of nobody known are those of several exchanges, whose order is none of the service's; and
  // some may be of those that a replay left out.
  if (&base == &unattributed_.base()) {
    const bool fewer = candidate_.header().replayed_only != 0;
    const bool more = base_.header().replayed_only != 0;
    std::erase_if(outcome.differences, [&](const Difference& one) {
      return one.kind == Kind::kReordered || (fewer && one.kind == Kind::kMissing) ||
             (more && one.kind == Kind::kExtra);
    });
  }
  if (outcome.differences.empty()) return;
  listener_.on_difference({{}, {}, name + " calls", std::move(outcome.differences)});
}

void Comparison::compare_exit() {
  const auto& base = base_.trailer();
  const auto& candidate = candidate_.trailer();
  exit_compared_ = base && candidate && base->exited;
  if (!exit_compared_) return;
  const std::string one = exit_text(base->exit);
  const std::string other = candidate->exited ? exit_text(candidate->exit) : "still running";
  if (one != other) listener_.on_difference({{}, {}, "exit", {changed("exit", one, other)}});
}

}  // namespace reprise::diff
