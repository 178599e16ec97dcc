#include "replayer/driver.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "replayer/socket_address.h"

namespace reprise::replayer {

Driver::Driver(boost::asio::io_context& io, Stage& stage)
    : io_(io), stage_(stage), listeners_(stage) {}

// --- Accepting --------------------------------------------------------------------------------

abi::AnswerAccept Driver::accept(const abi::AskAccept& ask) {
  abi::AnswerAccept answer{};
  answer.link = abi::kNone;
  answer.peer = ask.actual_peer;
  const auto driven = by_address_.find(address_text(ask.actual_peer));
  if (driven == by_address_.end()) return answer;  // the service's own, or somebody else's
  const std::shared_ptr<DrivenConnection> connection = driven->second;
  by_address_.erase(driven);
  connection->set_accepted(ask.socket);
  const RecordedConnection& recorded = connection->recorded();
  answer.link = connection->link().value;
  answer.recorded = recorded.id.value;
  if (!recorded.peer.raw.empty()) answer.peer = to_abi(recorded.peer);
  answer.local = to_abi(recorded.local);
  return answer;
}

std::optional<abi::AnswerPassed> Driver::passed(abi::Cookie socket) const {
  if (const auto listener = listeners_.passed(socket)) return listener;
  for (const auto& [id, connection] : by_recorded_) {
    if (connection->service_socket() != socket) continue;
    const RecordedConnection& recorded = connection->recorded();
    abi::AnswerPassed answer{};
    answer.link = connection->link().value;
    answer.in_offset = connection->consumed_bytes();
    answer.peer = to_abi(recorded.peer);
    answer.local = to_abi(recorded.local);
    return answer;
  }
  return std::nullopt;
}

// --- Releasing units ---------------------------------------------------------------------------

bool Driver::ready_for(const Unit& unit) const {
  if (!unit.opens) return true;
  const RecordedConnection* recorded = stage_.plan.connection(unit.connection);
  return recorded != nullptr && listeners_.standing_for(recorded->listener) != nullptr;
}

event::Context Driver::context_of(const Unit& unit) const {
  if (unit.exchanges == 0) return event::Context::background();
  const RecordedConnection* recorded = stage_.plan.connection(unit.connection);
  return event::Context::of(stage_.plan.exchanges[recorded->transactions[unit.first_exchange]].id);
}

std::shared_ptr<DrivenConnection> Driver::open(const RecordedConnection& recorded, const Unit& unit,
                                               std::uint32_t flags) {
  Listening& listening = *listeners_.standing_for(recorded.listener);
  // What follows the accept is the greeting's, if there is one; else nobody's before a request is
  // read.
  const bool greets = unit.exchanges > 0 && unit.chunks == 0;
  const event::Context context = greets ? context_of(unit) : event::Context::background();
  const abi::Mark opening{.offset = 0,
                          .entry = recorded.opening_entry,
                          .flags = flags,
                          .monotonic_shift_ns = stage_.clock.shift(context).count(),
                          .exchange = context.exchange.value};
  const LinkId link = stage_.control.open_link(abi::LinkRole::kDriven, recorded.id.value, opening,
                                               recorded.tls.get());
  listeners_.announce(listening, opening);
  auto connection = std::make_shared<DrivenConnection>(
      io_, stage_, recorded, link,
      [this, id = recorded.id](std::uint32_t transaction) { on_answered(id, transaction); });
  if (auto opened = connection->open(listening.actual); !opened) {
    stage_.ledger.note(opened.error().message);
    stage_.control.close_link(link);
    return nullptr;
  }
  stage_.expect(recorded.acceptor);
  by_recorded_[recorded.id] = connection;
  by_address_[connection->address()] = connection;
  return connection;
}

void Driver::release(const Unit& unit, Moment limit, std::optional<event::ExchangeId> stop_at) {
  const RecordedConnection& recorded = *stage_.plan.connection(unit.connection);
  Run& run = runs_.emplace_back();
  run.unit = &unit;
  run.last_recorded = unit.at;
  for (std::uint32_t i = 0; i < unit.exchanges; ++i) {
    const std::uint32_t transaction = unit.first_exchange + i;
    const RecordedExchange& exchange = stage_.plan.exchanges[recorded.transactions[transaction]];
    stage_.clock.begin(exchange.id, unit.at);
    if (stop_at == exchange.id) run.flags = abi::kStopHere;
    run.unanswered.push_back(transaction);
  }
  if (unit.opens) {
    // The stop for a greeting is at the accept, that for a request where it is read.
    run.connection = open(recorded, unit, unit.chunks == 0 ? std::exchange(run.flags, 0) : 0);
  } else if (const auto known = by_recorded_.find(unit.connection); known != by_recorded_.end()) {
    run.connection = known->second;
  }
  if (run.connection == nullptr || (run.connection->answers_ended() && unit.exchanges > 0)) {
    fail(run, "the service had closed the connection before");
  }
  stage_.clock.release(unit.at, context_of(unit), limit);
  run.last_taken = stage_.clock.now();
  if (may_step(run)) take_step(run, limit);
}

void Driver::fail(Run& run, const std::string& problem) {
  while (!run.unanswered.empty()) finish(run, run.unanswered.front(), problem);
  run.next_chunk = run.unit->chunks;
  if (run.connection == nullptr) run.ended = true;
}

bool Driver::has_next_step(const Run& run) {
  return run.connection != nullptr &&
         (run.next_chunk < run.unit->chunks || run.connection->wants_more() ||
          (run.unit->ends && !run.ended));
}

bool Driver::may_step(const Run& run) const {
  return has_next_step(run) && (run.connection->consumed() || run.connection->wants_more());
}

Moment Driver::moment_of_next_step(const Run& run) const {
  if (run.connection->wants_more()) return run.last_recorded;
  if (run.next_chunk < run.unit->chunks) {
    return stage_.plan.inputs.chunks[run.unit->first_chunk + run.next_chunk].at;
  }
  return stage_.plan.inputs.of(run.unit->connection).ended;
}

Moment Driver::due_of_next_step(const Run& run) const {
  const Moment recorded = std::max(run.last_recorded, moment_of_next_step(run));
  return stage_.as_recorded ? recorded : run.last_taken + (recorded - run.last_recorded);
}

// The one whose next step is due first.
const Driver::Run* Driver::next_run() const {
  const Run* next = nullptr;
  for (const Run& run : runs_) {
    if (!may_step(run)) continue;
    if (next == nullptr || due_of_next_step(run) < due_of_next_step(*next)) next = &run;
  }
  return next;
}

std::optional<Moment> Driver::next_due() const {
  const Run* next = next_run();
  return next == nullptr ? std::nullopt : std::optional(due_of_next_step(*next));
}

event::ThreadId Driver::next_reader() const {
  const Run* next = next_run();
  if (next == nullptr || next->connection->wants_more() || next->next_chunk >= next->unit->chunks) {
    return {};
  }
  return stage_.plan.inputs.chunks[next->unit->first_chunk + next->next_chunk].reader;
}

event::ThreadId Driver::reader_of(const Unit& unit) const {
  const RecordedConnection* recorded = stage_.plan.connection(unit.connection);
  if (unit.opens && recorded != nullptr) return recorded->acceptor;
  return unit.chunks > 0 ? stage_.plan.inputs.chunks[unit.first_chunk].reader : event::ThreadId{};
}

void Driver::step(Moment limit) {
  if (const Run* next = next_run()) take_step(const_cast<Run&>(*next), limit);
}

void Driver::take_step(Run& run, Moment limit) {
  const Moment recorded = moment_of_next_step(run);
  const event::Context context = context_of(*run.unit);
  stage_.clock.release(recorded, context, limit);
  run.last_recorded = std::max(run.last_recorded, recorded);
  run.last_taken = stage_.clock.now();
  if (run.connection->wants_more()) {
    run.connection->send_more();
  } else if (run.next_chunk < run.unit->chunks) {
    const Chunk& chunk = stage_.plan.inputs.chunks[run.unit->first_chunk + run.next_chunk++];
    stage_.expect(chunk.reader);
    run.connection->send(chunk, context, std::exchange(run.flags, 0));
  } else {
    const ConnectionInputs& inputs = stage_.plan.inputs.of(run.unit->connection);
    run.connection->end(inputs.end, inputs.end_entry, inputs.end_context);
    run.ended = true;
  }
}

// --- Answers -----------------------------------------------------------------------------------

void Driver::on_answered(event::ConnectionId recorded, std::uint32_t transaction) {
  for (Run& run : runs_) {
    if (run.unit->connection != recorded) continue;
    if (std::ranges::find(run.unanswered, transaction) == run.unanswered.end()) continue;
    finish(run, transaction, "");
    return;
  }
}

void Driver::finish(Run& run, std::uint32_t transaction, std::string problem) {
  std::erase(run.unanswered, transaction);
  const RecordedConnection& recorded = *stage_.plan.connection(run.unit->connection);
  DrivenExchange& finished = finished_.emplace_back();
  finished.recorded = &stage_.plan.exchanges[recorded.transactions[transaction]];
  if (run.connection != nullptr) finished.answer = run.connection->answers().take(transaction);
  finished.problem = std::move(problem);
}

void Driver::finish_unanswered(Run& run, const std::string& problem) {
  const RecordedConnection& recorded = *stage_.plan.connection(run.unit->connection);
  while (!run.unanswered.empty()) {
    const std::uint32_t transaction = run.unanswered.front();
    const bool expected = stage_.plan.exchanges[recorded.transactions[transaction]].answered();
    finish(run, transaction, expected ? problem : "");
  }
}

std::vector<event::ExchangeId> Driver::outstanding() const {
  std::vector<event::ExchangeId> ids;
  for (const Run& run : runs_) {
    const RecordedConnection& recorded = *stage_.plan.connection(run.unit->connection);
    for (const std::uint32_t transaction : run.unanswered) {
      ids.push_back(stage_.plan.exchanges[recorded.transactions[transaction]].id);
    }
  }
  return ids;
}

const RecordedExchange* Driver::answered_next() const {
  const RecordedExchange* next = nullptr;
  for (const event::ExchangeId id : outstanding()) {
    const RecordedExchange* exchange = stage_.plan.exchange(id);
    if (!exchange->answered() || expired_.contains(id)) continue;
    if (next == nullptr || exchange->last_byte_out < next->last_byte_out) next = exchange;
  }
  return next;
}

std::optional<Driver::Expected> Driver::expected() const {
  std::optional<Expected> all;
  for (const event::ExchangeId id : outstanding()) {
    const RecordedExchange* exchange = stage_.plan.exchange(id);
    if (!all) all = {exchange->first_byte_in, exchange->first_byte_in, false};
    if (!exchange->answered()) continue;
    const Moment end = exchange->last_byte_out + stage_.clock.shift(event::Context::of(id));
    all->recorded_end = std::max(all->recorded_end, exchange->last_byte_out);
    all->end = std::max(all->end, end);
    all->answered = true;
  }
  return all;
}

void Driver::give_up(const std::string& problem) {
  for (Run& run : runs_) {
    const bool accepted = run.connection == nullptr || run.connection->accepted();
    finish_unanswered(run,
                      accepted ? problem : "the service never accepted the connection; " + problem);
  }
}

std::vector<DrivenExchange> Driver::take_finished() { return std::exchange(finished_, {}); }

// --- The collector's view ----------------------------------------------------------------------

event::ExchangeId Driver::recorded_exchange(event::ConnectionId id, std::uint64_t ordinal) const {
  const auto origin = origins_.find(id);
  if (origin == origins_.end()) return {};
  const RecordedExchange* exchange = stage_.plan.exchange(origin->second, ordinal);
  return exchange == nullptr ? event::ExchangeId{} : exchange->id;
}

void Driver::on_event(const event::Event& event) {
  if (const auto* accepted = std::get_if<event::Accepted>(&event.fact)) {
    const auto driven = by_recorded_.find({accepted->recorded});
    if (accepted->recorded == 0 || driven == by_recorded_.end()) return;
    driven->second->bind(accepted->connection);
    by_id_[accepted->connection] = driven->second;
    origins_[accepted->connection] = driven->first;
  } else if (const auto* received = std::get_if<event::BytesReceived>(&event.fact)) {
    const auto driven = by_id_.find(received->connection);
    if (driven != by_id_.end()) driven->second->on_received(*received);
  } else if (const auto* sent = std::get_if<event::SendFinished>(&event.fact)) {
    const auto driven = by_id_.find(sent->connection);
    if (driven != by_id_.end()) driven->second->on_sent(*sent);
  } else if (const auto* closed = std::get_if<event::Closed>(&event.fact)) {
    const auto driven = by_id_.find(closed->connection);
    if (driven != by_id_.end()) driven->second->on_service_closed();
  }
}

bool Driver::undelivered() const {
  return std::ranges::any_of(by_recorded_, [](const auto& c) { return c.second->undelivered(); });
}

bool Driver::in_flight() const {
  return std::ranges::any_of(by_recorded_, [](const auto& c) { return c.second->in_flight(); });
}

bool Driver::unread() const {
  return std::ranges::any_of(by_recorded_, [](const auto& c) { return c.second->unread(); });
}

void Driver::sweep() {
  for (Run& run : runs_) {
    if (run.connection == nullptr || !run.connection->answers_ended()) continue;
    finish_unanswered(run, "the service closed the connection");
    run.next_chunk = run.unit->chunks;
  }
  std::erase_if(runs_,
                [](const Run& run) { return run.unanswered.empty() && !has_next_step(run); });
  std::erase_if(by_recorded_, [this](const auto& entry) {
    const std::shared_ptr<DrivenConnection>& connection = entry.second;
    if (!connection->over()) return false;
    by_address_.erase(connection->address());
    by_id_.erase(connection->id());
    stage_.control.close_link(connection->link());
    return true;
  });
}

void Driver::close_all() {
  for (const auto& [id, connection] : by_recorded_) connection->close();
}

}  // namespace reprise::replayer
