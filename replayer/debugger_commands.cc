#include "replayer/debugger_commands.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace reprise::replayer {
namespace {

using nlohmann::json;

json number_or_null(event::ExchangeId id) { return id ? json(id.value) : json(nullptr); }

const char* kind_of(const event::Context& context) {
  switch (context.kind) {
    case event::Context::Kind::kBackground:
      return "background";
    case event::Context::Kind::kExchange:
      return "exchange";
    case event::Context::Kind::kUnattributed:
      return "unattributed";
  }
  return "";
}

}  // namespace

DebuggerCommands::DebuggerCommands(ControlChannel& channel, Stage& stage, const Threads& threads,
                                   std::optional<event::ExchangeId> stop_at)
    : channel_(channel), stage_(stage), threads_(threads), stop_at_(stop_at) {
  channel_.on("situation", [this](const json& request) { return situation(request); });
  channel_.on("stop", [this](const json& request) { return stop(request); });
  channel_.on("divergences", [this](const json&) { return divergences(); });
}

bool DebuggerCommands::holds() const {
  return stage_.control.header().held.load(std::memory_order_acquire) != 0;
}

std::optional<event::ExchangeId> DebuggerCommands::stop_in(const Unit& unit) {
  const RecordedConnection* connection = stage_.plan.connection(unit.connection);
  std::optional<event::ExchangeId> stop;
  for (std::uint32_t i = 0; connection != nullptr && i < unit.exchanges; ++i) {
    const std::uint32_t index = connection->transactions[unit.first_exchange + i];
    const event::ExchangeId id = stage_.plan.exchanges[index].id;
    last_released_ = std::max(last_released_, id);
    if (!stop && (stop_at_next_ || stop_at_ == id)) stop = id;
  }
  if (stop) {
    stop_at_next_ = false;
    stop_at_.reset();
  }
  return stop;
}

// --- Commands ------------------------------------------------------------------------------------

event::Context DebuggerCommands::context_of(std::int32_t tid) const {
  for (const std::uint32_t slot : threads_.slots()) {
    if (threads_.is_live(slot) && threads_.thread(slot).tid == tid) {
      return stage_.recorded(stage_.service.context_of(slot));
    }
  }
  return event::Context::unattributed();
}

json DebuggerCommands::last_answer() const {
  const Ledger::LastAnswer& last = stage_.ledger.last_answer();
  if (last.call == nullptr) return nullptr;
  // Calls of one context lie beside each other, in the order that `show` numbers them by.
  const auto calls = stage_.plan.calls_in(last.call->context);
  const auto place = std::ranges::find(calls, last.call->id, &RecordedCall::id);
  return {{"call", last.call->id.value},
          {"exchange", number_or_null(last.call->context.exchange)},
          {"index", place - calls.begin()},
          {"peer", stage_.plan.names[last.call->peer]},
          {"operation", stage_.plan.names[last.call->operation]},
          {"fidelity", fidelity_name(last.fidelity)}};
}

ControlChannel::Answer DebuggerCommands::situation(const json& request) {
  stage_.service.drain();
  json answer;
  answer["replayed"] = stage_.ledger.replayed_exchanges();
  answer["selected"] = stage_.plan.selected;
  answer["last"] = stage_.plan.exchanges.empty() ? 0 : stage_.plan.exchanges.back().id.value;
  answer["released"] = number_or_null(last_released_);
  answer["in_flight"] = json::array();
  for (const event::ExchangeId id : stage_.in_flight()) answer["in_flight"].push_back(id.value);
  const abi::ControlHeader& words = stage_.control.header();
  answer["monotonic_ns"] = words.monotonic_ns.load(std::memory_order_acquire);
  answer["realtime_ns"] = words.realtime_ns.load(std::memory_order_acquire);
  answer["began_ns"] = stage_.plan.began.ns;
  if (!stuck_.empty()) answer["stuck"] = stuck_;
  answer["ended"] = stage_.service.exited().has_value();
  answer["answer"] = last_answer();
  if (const auto thread = request.find("thread");
      thread != request.end() && thread->is_number_integer()) {
    const event::Context context = context_of(thread->get<std::int32_t>());
    answer["context"] = kind_of(context);
    answer["exchange"] = number_or_null(context.exchange);
    const RecordedExchange* exchange = stage_.plan.exchange(context.exchange);
    if (exchange != nullptr) answer["connection"] = exchange->connection.value;
  }
  return answer;
}

ControlChannel::Answer DebuggerCommands::stop(const json& request) {
  const auto at = request.find("at");
  if (at == request.end()) return tl::unexpected(std::string("stop needs `at`"));
  if (at->is_number_unsigned()) {
    const event::ExchangeId id{at->get<std::uint64_t>()};
    if (stage_.plan.exchange(id) == nullptr) {
      return tl::unexpected("the recording has no exchange " + std::to_string(id.value) +
                            "; the last is " +
                            std::to_string(stage_.plan.exchanges.back().id.value));
    }
    if (id <= last_released_) {
      return tl::unexpected("exchange " + std::to_string(id.value) +
                            " has arrived already; to go back, start `reprise debug` again with "
                            "--at " +
                            std::to_string(id.value));
    }
    stop_at_ = id;
    stop_at_next_ = false;
    return json::object();
  }
  if (*at != "next" && *at != "never") {
    return tl::unexpected(std::string("`at` is a number, \"next\" or \"never\""));
  }
  stop_at_.reset();
  stop_at_next_ = *at == "next";
  return json::object();
}

ControlChannel::Answer DebuggerCommands::divergences() const {
  json list = json::array();
  for (const Divergence& divergence : stage_.ledger.divergences()) {
    list.push_back({{"exchange", number_or_null(divergence.exchange)},
                    {"kind", divergence_name(divergence.kind)},
                    {"expected", divergence.expected},
                    {"actual", divergence.actual}});
  }
  return json{{"divergences", list}};
}

}  // namespace reprise::replayer
