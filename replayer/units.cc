#include "replayer/units.h"

#include <algorithm>

namespace reprise::replayer {
namespace {

class Cutter {
 public:
  Cutter(Plan& plan, const RecordedConnection& connection) : plan_(plan), connection_(connection) {}

  void cut() {
    const ConnectionInputs& inputs = plan_.inputs.of(connection_.id);
    Unit& opening = begin_unit(connection_.opened);
    opening.opens = true;
    opening.exchanges = next_exchange_ = connection_.greetings;
    for (std::uint32_t i = 0; i < inputs.chunks; ++i) take_chunk(inputs.first_chunk + i);
    if (inputs.end != PeerEnd::kNone) take_end(inputs);
    for (Unit& unit : units_) plan_.units.push_back(std::move(unit));
  }

 private:
  Unit& begin_unit(Moment at) {
    Unit& unit = units_.emplace_back();
    // A connection's own order counts, whatever the stamps of different threads say.
    unit.at = units_.size() > 1 ? std::max(at, units_[units_.size() - 2].at) : at;
    unit.connection = connection_.id;
    unit.first_exchange = next_exchange_;
    return unit;
  }

  void take_chunk(std::uint32_t number) {
    const Chunk& chunk = plan_.inputs.chunks[number];
    std::uint32_t begun = 0;
    while (next_exchange_ + begun < connection_.transactions.size() &&
           exchange(next_exchange_ + begun).request.begin < chunk.bytes.end) {
      ++begun;
    }
    // Bytes of no known exchange (the archive was cut off, the client went away) follow what they
    // followed.
    const bool continues = begun == 0 && units_.back().chunks > 0;
    Unit& unit = continues ? units_.back() : begin_unit(chunk.at);
    if (unit.chunks == 0) unit.first_chunk = number;
    ++unit.chunks;
    unit.exchanges += begun;
    next_exchange_ += begun;
  }

  // A client that went away while its answer was outstanding did so within that exchange.
  void take_end(const ConnectionInputs& inputs) {
    const bool within = next_exchange_ > 0 && (!exchange(next_exchange_ - 1).answered() ||
                                               inputs.ended < last_response());
    Unit& unit = within ? units_.back() : begin_unit(inputs.ended);
    unit.ends = true;
  }

  Moment last_response() const { return exchange(next_exchange_ - 1).last_byte_out; }
  const RecordedExchange& exchange(std::uint32_t index) const {
    return plan_.exchanges[connection_.transactions[index]];
  }

  Plan& plan_;
  const RecordedConnection& connection_;
  std::vector<Unit> units_;
  std::uint32_t next_exchange_ = 0;
};

bool holds(const Plan& plan, const Unit& unit, event::ExchangeId id) {
  const RecordedConnection* connection = plan.connection(unit.connection);
  if (connection == nullptr) return false;
  const auto transactions =
      std::span(connection->transactions).subspan(unit.first_exchange, unit.exchanges);
  return std::ranges::any_of(transactions,
                             [&](std::uint32_t index) { return plan.exchanges[index].id == id; });
}

// Of an input that was none: a source of the SDK had nothing more. Without it a thread would wait
// there for ever.
bool ends_source(const Plan& plan, const Unit& unit) {
  const RecordedConnection* connection = plan.connection(unit.connection);
  return connection != nullptr && connection->local.text.starts_with("entry:") &&
         plan.inputs.of(unit.connection).chunks == 0;
}

void select(Plan& plan, const Selection& selection) {
  if (!selection.only) return;
  const auto chosen = std::ranges::find_if(
      plan.units, [&](const Unit& unit) { return holds(plan, unit, *selection.only); });
  if (chosen == plan.units.end()) {
    plan.units.clear();
    return;
  }
  const event::ConnectionId connection = chosen->connection;
  const Moment at = chosen->at;
  const bool with_prefix = selection.with_prefix;
  const std::size_t position = static_cast<std::size_t>(chosen - plan.units.begin());
  std::vector<Unit> kept;
  for (std::size_t i = 0; i < plan.units.size(); ++i) {
    Unit& unit = plan.units[i];
    const bool own = unit.connection == connection && (unit.opens || unit.ends || i == position);
    const bool before = i <= position && unit.at <= at;
    const bool needed_later = i > position && ends_source(plan, unit);
    if (i == position || needed_later || (own && (i < position || unit.exchanges == 0)) ||
        (with_prefix && before)) {
      kept.push_back(std::move(unit));
    }
  }
  plan.units = std::move(kept);
}

// A connection counts its exchanges from the first one that is driven.
void note_first_requests(Plan& plan) {
  for (auto unit = plan.units.rbegin(); unit != plan.units.rend(); ++unit) {
    if (unit->chunks > 0) plan.connections[unit->connection].first_request = unit->first_exchange;
  }
}

// A client that connects and speaks at once does so again: that saves a round through the service.
void join_opens(std::vector<Unit>& units) {
  constexpr nanoseconds kAtOnce = std::chrono::milliseconds(1);
  std::vector<Unit> joined;
  joined.reserve(units.size());
  for (Unit& unit : units) {
    const bool speaks = !joined.empty() && joined.back().opens && joined.back().chunks == 0 &&
                        joined.back().exchanges == 0 && !joined.back().ends &&
                        joined.back().connection == unit.connection && unit.chunks > 0 &&
                        unit.at - joined.back().at <= kAtOnce;
    if (!speaks) {
      joined.push_back(std::move(unit));
      continue;
    }
    unit.opens = true;
    joined.back() = std::move(unit);
  }
  units = std::move(joined);
}

}  // namespace

void cut_units(Plan& plan, const Selection& selection, std::vector<Unit> signals) {
  for (const auto& [id, connection] : plan.connections) {
    if (connection.direction == event::Direction::kInbound && !connection.internal &&
        connection.opening_entry != abi::kNone) {
      Cutter(plan, connection).cut();
    }
  }
  for (Unit& signal : signals) plan.units.push_back(std::move(signal));
  // Within one connection units are in order already; connections are told apart by number, so that
  // the order of equal moments is the same in every replay.
  std::ranges::stable_sort(plan.units, [](const Unit& a, const Unit& b) {
    return a.at != b.at ? a.at < b.at : a.connection < b.connection;
  });
  select(plan, selection);
  join_opens(plan.units);
  note_first_requests(plan);
  for (const Unit& unit : plan.units) plan.selected += unit.exchanges;
}

}  // namespace reprise::replayer
