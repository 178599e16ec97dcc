#include "replayer/shortfall.h"

#include <algorithm>
#include <span>

namespace reprise::replayer {
namespace {

constexpr char kOlder[] =
    "an agent of an older version made it, or the records were lost; record the service again";

std::string count(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

bool drives(const Plan& plan, event::ExchangeId wanted) {
  return std::ranges::any_of(plan.units, [&](const Unit& unit) {
    const RecordedConnection* connection = plan.connection(unit.connection);
    if (connection == nullptr) return false;
    const auto held =
        std::span(connection->transactions).subspan(unit.first_exchange, unit.exchanges);
    return std::ranges::any_of(
        held, [&](std::uint32_t index) { return plan.exchanges[index].id == wanted; });
  });
}

// A connection that a client opened, of which it is not known when.
bool came_from_nowhere(const RecordedConnection& connection) {
  return connection.direction == event::Direction::kInbound && !connection.internal &&
         connection.opening_entry == abi::kNone;
}

std::string no_moments(const Plan& plan) {
  if (plan.header.stamps_per_second != 0) return "";
  return "the recording does not say how fast its clock counted, as its header does: no moment in "
         "it is known, and a replay goes by moments. `reprise verify` tells what is damaged";
}

std::string no_connections(const Plan& plan, std::optional<event::ExchangeId> wanted) {
  if (wanted && !drives(plan, *wanted)) {
    const RecordedConnection* connection = plan.connection(plan.exchange(*wanted)->connection);
    if (connection == nullptr || came_from_nowhere(*connection)) {
      return "the recording does not have how the connection of exchange " +
             std::to_string(wanted->value) + " was accepted: " + kOlder;
    }
    return "exchange " + std::to_string(wanted->value) +
           " has no request that could be sent: its bytes are missing, the service said it "
           "unasked, or both ends of its "
           "connection lie inside the service";
  }
  if (!plan.units.empty()) return "";
  if (plan.exchanges.empty()) {
    return "the recording holds no connection to replay: nobody spoke to the recorded service";
  }
  return "the recording has " + count(plan.exchanges.size(), "exchange") +
         " and does not have how their connections were accepted: " + kOlder;
}

// A listener that the service inherited is not recorded either.
std::string no_listener(const Plan& plan) {
  for (const Unit& unit : plan.units) {
    const RecordedConnection* connection = plan.connection(unit.connection);
    if (connection == nullptr) continue;
    const auto same = [&](const RecordedListener& l) { return l.id == connection->listener; };
    if (std::ranges::any_of(plan.listeners, same)) continue;
    return "the recording does not have where the service began to listen for connection " +
           std::to_string(connection->id.value) +
           (connection->local.text.empty() ? "" : " (to " + connection->local.text + ")") +
           ": the service was handed a socket that listened already, or " + kOlder;
  }
  return "";
}

void remark_on_left_out(const Plan& plan, std::vector<std::string>& remarks) {
  std::uint64_t connections = 0, exchanges = 0;
  for (const auto& [id, connection] : plan.connections) {
    if (!came_from_nowhere(connection) || connection.exchanges.empty()) continue;
    ++connections;
    exchanges += connection.exchanges.size();
  }
  if (connections == 0) return;
  remarks.push_back(count(exchanges, "exchange") + " on " + count(connections, "connection") +
                    " cannot be replayed: the recording does not have how they were accepted");
}

void remark_on_readers(const Plan& plan, std::vector<std::string>& remarks) {
  std::uint64_t inputs = 0, unknown = 0;
  const auto add = [&](event::ThreadId reader) {
    ++inputs;
    if (!plan.threads.contains(reader)) ++unknown;
  };
  for (const Unit& unit : plan.units) {
    if (unit.opens && plan.connection(unit.connection) != nullptr) {
      add(plan.connection(unit.connection)->acceptor);
    }
    for (std::uint32_t i = 0; i < unit.chunks; ++i) {
      add(plan.inputs.chunks[unit.first_chunk + i].reader);
    }
  }
  if (unknown == 0) return;
  remarks.push_back("the recording does not have which thread or process took " +
                    std::to_string(unknown) + " of " + count(inputs, "input") +
                    ": where several wait for the same one, who has it is the same in every run "
                    "and need not be as recorded");
}

}  // namespace

Shortfall Shortfall::of(const Plan& plan, std::optional<event::ExchangeId> wanted,
                        bool as_recorded) {
  Shortfall shortfall;
  for (const std::string& why :
       {no_moments(plan), no_connections(plan, wanted), no_listener(plan), plan.cannot_drive}) {
    if (shortfall.refusal.empty()) shortfall.refusal = why;
  }
  if (!shortfall.refusal.empty()) return shortfall;
  std::vector<std::string>& remarks = shortfall.remarks;
  if (!wanted) remark_on_left_out(plan, remarks);
  if (!plan.known_facts.environment) {
    remarks.push_back(
        "the recording does not have the environment of the service: this one gets yours");
  }
  if (!plan.known_facts.modules && plan.known_facts.callers) {
    remarks.push_back(
        "the recording does not have where libraries were loaded: what they read of clocks and "
        "random sources counts as the program's, and may not be found at its place");
  }
  if (as_recorded) remark_on_readers(plan, remarks);
  return shortfall;
}

}  // namespace reprise::replayer
