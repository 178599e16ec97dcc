#include "replayer/plan.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "replayer/units.h"

namespace reprise::replayer {
namespace {

constexpr event::ProcessId kRoot{1};

// The one pass over an archive.
class Pass {
 public:
  Pass(archive::Reader& reader, Plan& plan) : reader_(reader), plan_(plan) {}

  [[nodiscard]] tl::expected<void, Error> run(const Selection& selection);

 private:
  void read_tables();
  void name_peers();
  void read_events();
  void on_event(const event::Event& event);
  void on_negotiated(const event::TlsNegotiated& tls);
  void put_certificates_on_tape();
  void on_connected(const event::Event& event, const event::Connected& connected);
  void on_connect_finished(const event::ConnectFinished& finished);
  void on_looked_up(const event::Event& event, const event::LookedUp& lookup);
  void on_signal(const event::Event& event, const event::SignalReceived& signal);
  void on_environment(const std::vector<std::string>& environment);
  std::optional<std::string> path_of(event::ProcessId process) const;
  void note_known(const event::Event& event);
  void note_refused(const event::Event& event);
  void settle_connects();
  void link_transactions();
  void link_exchanges(RecordedConnection& connection);
  void check_clients();
  void settle_end();

  archive::Reader& reader_;
  Plan& plan_;
  std::vector<std::shared_ptr<RecordedTls>> tls_;
  std::unique_ptr<TapeBuilder> tape_;
  std::unique_ptr<InputsBuilder> inputs_;
  std::unordered_map<event::ConnectionId, std::size_t> connect_of_;
  std::unordered_map<std::string, std::uint32_t> lookup_numbers_;
  std::unordered_map<event::ProcessId, std::string> paths_;
  std::unordered_set<std::string> fork_paths_;
  std::unordered_set<std::int32_t> pids_;
  std::vector<Unit> signals_;
};

tl::expected<void, Error> Pass::run(const Selection& selection) {
  read_tables();
  name_peers();
  read_events();
  plan_.processes = fork_paths_.size();
  if (auto finished = plan_.streams->finish(); !finished) {
    return tl::unexpected(std::move(finished.error()));
  }
  plan_.tape = tape_->finish();
  put_certificates_on_tape();
  plan_.inputs = inputs_->finish();
  link_transactions();
  settle_connects();
  settle_end();
  cut_units(plan_, selection, std::move(signals_));
  check_clients();
  return {};
}

void Pass::read_tables() {
  const Timeline& timeline = *plan_.timeline;
  reader_.each_connection([&](const event::Connection& connection) {
    plan_.connections[connection.id] = {.id = connection.id,
                                        .direction = connection.direction,
                                        .protocol = connection.protocol,
                                        .internal = connection.internal,
                                        .listener = connection.listener,
                                        .peer_name = plan_.names.intern(connection.peer_name),
                                        .local = connection.local,
                                        .peer = connection.peer,
                                        .opened = timeline.at(connection.opened),
                                        .transactions = {}};
    return true;
  });
  reader_.each_exchange([&](const event::Exchange& exchange) {
    plan_.exchanges.push_back({.id = exchange.id,
                               .connection = exchange.connection,
                               .ordinal = exchange.ordinal,
                               .protocol = exchange.protocol,
                               .method = plan_.names.intern(exchange.method),
                               .status = plan_.names.intern(exchange.status),
                               .request = exchange.request,
                               .response = exchange.response,
                               .first_byte_in = timeline.at(exchange.first_byte_in),
                               .last_byte_out = timeline.at(exchange.last_byte_out),
                               .complete = exchange.complete});
    return true;
  });
  reader_.each_call([&](const event::Call& call) {
    const bool by_handle = call.protocol == event::Protocol::kPostgres;
    plan_.calls.push_back({.id = call.id,
                           .context = call.context,
                           .connection = call.connection,
                           .protocol = call.protocol,
                           .peer = plan_.names.intern(call.peer),
                           .operation = plan_.names.intern(call.operation),
                           .target = by_handle ? plan_.names.intern(call.target) : NameId{},
                           .ordinal = call.ordinal,
                           .request = call.request,
                           .response = call.response,
                           .last_byte_out = timeline.at(call.last_byte_out),
                           .prelude = call.prelude,
                           .complete = call.complete});
    if (call.protocol == event::Protocol::kUdp) plan_.known_facts.datagrams = true;
    return true;
  });
}

// The first name under which an address was called is the peer's, for every connection to it.
void Pass::name_peers() {
  for (const RecordedCall& call : plan_.calls) {
    if (const RecordedConnection* connection = plan_.connection(call.connection)) {
      plan_.peer_of_address.try_emplace(connection->peer.text, call.peer);
    }
  }
  for (RecordedCall& call : plan_.calls) {
    if (const RecordedConnection* connection = plan_.connection(call.connection)) {
      call.peer = plan_.peer_of_address[connection->peer.text];
    }
  }
}

void Pass::read_events() {
  std::unordered_set<event::ConnectionId> internal;
  for (const auto& [id, connection] : plan_.connections) {
    if (connection.internal) internal.insert(id);
  }
  tape_ = std::make_unique<TapeBuilder>(*plan_.timeline, std::move(internal));
  inputs_ = std::make_unique<InputsBuilder>(*plan_.timeline);
  bool first = true;
  reader_.each_event([&](const event::Event& event) {
    const Moment at = plan_.timeline->at(event.exit);
    if (std::exchange(first, false)) plan_.began = plan_.timeline->at(event.enter);
    plan_.end.at = std::max(plan_.end.at, at);
    on_event(event);
    return true;
  });
}

void Pass::on_event(const event::Event& event) {
  if (const auto* closed = std::get_if<event::Closed>(&event.fact);
      closed != nullptr && inputs_->hung_up_unread(*closed)) {
    const std::uint32_t entry = tape_->end_without_read(closed->connection, event.context);
    inputs_->end_unread(*closed, entry, event.context);
  }
  const std::uint32_t entry = tape_->on_event(event);
  inputs_->on_event(event, entry);
  plan_.streams->on_event(event);
  plan_.draws.on_event(event);
  note_known(event);
  if (const auto* accepted = std::get_if<event::Accepted>(&event.fact)) {
    const auto connection = plan_.connections.find(accepted->connection);
    if (accepted->error == 0 && connection != plan_.connections.end()) {
      connection->second.opening_entry = entry;
      connection->second.opened = plan_.timeline->at(event.exit);
      connection->second.acceptor = event.thread;
    }
  } else if (const auto* tls = std::get_if<event::TlsNegotiated>(&event.fact)) {
    on_negotiated(*tls);
  } else if (const auto* connected = std::get_if<event::Connected>(&event.fact)) {
    on_connected(event, *connected);
  } else if (const auto* finished = std::get_if<event::ConnectFinished>(&event.fact)) {
    on_connect_finished(*finished);
  } else if (const auto* lookup = std::get_if<event::LookedUp>(&event.fact)) {
    on_looked_up(event, *lookup);
  } else if (const auto* listened = std::get_if<event::Listened>(&event.fact)) {
    const auto same = [&](const RecordedListener& l) { return l.id == listened->listener; };
    if (listened->error == 0 && std::ranges::none_of(plan_.listeners, same)) {
      plan_.listeners.push_back(
          {listened->listener, listened->local, path_of(event.process).value_or("")});
    }
  } else if (const auto* started = std::get_if<event::ProcessStarted>(&event.fact)) {
    paths_[event.process] = started->path;
    fork_paths_.insert(started->path);
    if (event.process == kRoot && started->image == 0) on_environment(started->environment);
    pids_.insert(started->pid);
  } else if (const auto* thread = std::get_if<event::ThreadStarted>(&event.fact)) {
    if (const auto path = path_of(event.process)) {
      plan_.threads[event.thread] = {*path, thread->ordinal};
    }
  } else if (const auto* file = std::get_if<event::FileOpened>(&event.fact)) {
    plan_.start_files.push_back(*file);
  } else if (const auto* signal = std::get_if<event::SignalReceived>(&event.fact)) {
    on_signal(event, *signal);
  } else if (const auto* exited = std::get_if<event::ProcessExited>(&event.fact)) {
    if (event.process == kRoot) plan_.end.exit = *exited;
  }
  if (entry != abi::kNone && !std::holds_alternative<event::Accepted>(event.fact)) {
    const auto set_opening = [&](event::ConnectionId id) {
      const auto connection = plan_.connections.find(id);
      if (connection != plan_.connections.end()) connection->second.opening_entry = entry;
    };
    if (const auto* c = std::get_if<event::Connected>(&event.fact)) set_opening(c->connection);
    if (const auto* f = std::get_if<event::ConnectFinished>(&event.fact))
      set_opening(f->connection);
  }
}

void Pass::on_negotiated(const event::TlsNegotiated& tls) {
  const auto connection = plan_.connections.find(tls.connection);
  if (connection == plan_.connections.end()) return;
  tls_.push_back(std::make_shared<RecordedTls>(
      RecordedTls{tls.in_offset, tls.out_offset, tls.version, tls.verdict, tls.error != 0,
                  tls.server_name, tls.protocol, tls.certificates}));
  connection->second.tls = tls_.back();
}

// Each different peer's once.
void Pass::put_certificates_on_tape() {
  std::map<event::Bytes, std::uint64_t> places;
  std::vector<std::byte>& bytes = plan_.tape.bytes;
  for (const std::shared_ptr<RecordedTls>& tls : tls_) {
    const auto [place, added] = places.try_emplace(tls->certificates, bytes.size());
    tls->certificates_on_tape = place->second;
    if (!added) continue;
    const auto certificates = std::as_bytes(std::span(tls->certificates));
    bytes.insert(bytes.end(), certificates.begin(), certificates.end());
  }
}

void Pass::on_connected(const event::Event& event, const event::Connected& connected) {
  const auto known = connect_of_.find(connected.connection);
  if (known != connect_of_.end()) {
    // Asked again how a non-blocking connect is getting on.
    if (connected.error == 0 || connected.error == EISCONN) {
      plan_.connects[known->second].outcome = RecordedConnect::Outcome::kEstablished;
    }
    return;
  }
  using Outcome = RecordedConnect::Outcome;
  const NameId peer = plan_.peer_of_address
                          .try_emplace(connected.peer.text, plan_.names.intern(connected.peer.text))
                          .first->second;
  connect_of_[connected.connection] = plan_.connects.size();
  plan_.connects.push_back({.connection = connected.connection,
                            .context = event.context,
                            .thread = event.thread,
                            .peer = peer,
                            .type = connected.type,
                            .error = connected.error,
                            .final_error = 0,
                            .outcome = connected.error == 0             ? Outcome::kEstablished
                                       : connected.error == EINPROGRESS ? Outcome::kPending
                                                                        : Outcome::kFailed});
}

void Pass::on_connect_finished(const event::ConnectFinished& finished) {
  const auto known = connect_of_.find(finished.connection);
  if (known == connect_of_.end()) return;
  RecordedConnect& connect = plan_.connects[known->second];
  connect.final_error = finished.error;
  connect.outcome = finished.error == 0 ? RecordedConnect::Outcome::kEstablished
                                        : RecordedConnect::Outcome::kFailed;
}

void Pass::on_looked_up(const event::Event& event, const event::LookedUp& lookup) {
  std::string key;
  const auto add = [&](const std::string& part) { (key += part) += '\0'; };
  add(lookup.node);
  add(lookup.service);
  add(lookup.canonical_name);
  for (const std::int64_t number :
       {lookup.family, lookup.type, lookup.protocol, lookup.flags, lookup.result, lookup.error}) {
    add(std::to_string(number));
  }
  for (const event::LookupAddress& address : lookup.addresses) {
    add(address.address.text);
    add(std::to_string(address.type) + "/" + std::to_string(address.protocol));
  }
  const auto number = static_cast<std::uint32_t>(plan_.lookup_answers.size());
  const auto [known, added] = lookup_numbers_.try_emplace(std::move(key), number);
  if (added) plan_.lookup_answers.push_back(lookup);
  plan_.lookups.push_back({event.context, known->second});
}

// A signal that somebody outside the service sent is input like any other.
void Pass::on_signal(const event::Event& event, const event::SignalReceived& signal) {
  const bool sent = signal.code == SI_USER || signal.code == SI_QUEUE;
  const auto path = path_of(event.process);
  if (!sent || signal.fatal || pids_.contains(signal.from_pid) || !path) return;
  Unit unit;
  unit.at = plan_.timeline->at(event.exit);
  unit.signal = signal.number;
  unit.process = *path;
  signals_.push_back(std::move(unit));
}

// The fork path of the root is known whatever is missing.
std::optional<std::string> Pass::path_of(event::ProcessId process) const {
  const auto known = paths_.find(process);
  if (known != paths_.end()) return known->second;
  return process == kRoot ? std::optional<std::string>("0") : std::nullopt;
}

void Pass::note_known(const event::Event& event) {
  KnownFacts& known = plan_.known_facts;
  if (std::holds_alternative<event::ModuleLoaded>(event.fact)) known.modules = true;
  note_refused(event);
  if (const auto* clock = std::get_if<event::ClockRead>(&event.fact)) {
    known.callers = known.callers || clock->caller != 0;
  } else if (const auto* random = std::get_if<event::RandomDrawn>(&event.fact)) {
    known.callers = known.callers || random->caller != 0;
  } else if (const auto* started = std::get_if<event::ProcessStarted>(&event.fact)) {
    if (event.process == kRoot && !started->environment.empty()) known.environment = true;
  }
}

// Of a datagram socket that is connected, by what a later call on it says.
void Pass::note_refused(const event::Event& event) {
  const auto* received = std::get_if<event::BytesReceived>(&event.fact);
  const auto* sent = std::get_if<event::SendFinished>(&event.fact);
  const std::int32_t error = received != nullptr ? received->error
                             : sent != nullptr   ? sent->error
                                                 : 0;
  if (error != ECONNREFUSED) return;
  const auto found =
      plan_.connections.find(received != nullptr ? received->connection : sent->connection);
  if (found != plan_.connections.end()) found->second.refused = true;
}

void Pass::on_environment(const std::vector<std::string>& environment) {
  for (const std::string& variable : environment) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = variable.substr(0, equals);
    const std::string value = variable.substr(equals + 1);
    const bool ours = name.starts_with("REPRISE_") || name.starts_with("LD_");
    if (!ours && value.find("***") == std::string::npos)
      plan_.environment.emplace_back(name, value);
  }
}

void Pass::link_transactions() {
  std::ranges::sort(plan_.exchanges, {}, &RecordedExchange::id);
  std::ranges::sort(plan_.calls, {},
                    [](const RecordedCall& call) { return std::tuple(call.context, call.id); });
  for (std::uint32_t i = 0; i < plan_.exchanges.size(); ++i) {
    const auto connection = plan_.connections.find(plan_.exchanges[i].connection);
    if (connection != plan_.connections.end()) connection->second.exchanges.push_back(i);
  }
  // What a peer sent unasked is no call to be matched: it has no request.
  for (std::uint32_t i = 0; i < plan_.calls.size(); ++i) {
    if (plan_.calls[i].request.empty()) continue;
    const auto connection = plan_.connections.find(plan_.calls[i].connection);
    if (connection == plan_.connections.end()) continue;
    // Only a crafted archive has calls on connections that clients opened.
    const bool outbound = connection->second.direction == event::Direction::kOutbound;
    if (outbound) connection->second.transactions.push_back(i);
  }
  for (auto& [id, connection] : plan_.connections) {
    if (connection.direction == event::Direction::kInbound) {
      link_exchanges(connection);
    } else {
      std::ranges::sort(connection.transactions, {}, [&](std::uint32_t index) {
        return std::tuple(plan_.calls[index].request.begin, plan_.calls[index].id.value);
      });
    }
  }
}

// What the service says unasked is driven by the connect when it says it first; later by nothing.
void Pass::link_exchanges(RecordedConnection& connection) {
  std::ranges::sort(connection.exchanges, {}, [&](std::uint32_t index) {
    return std::tuple(plan_.exchanges[index].ordinal, index);
  });
  for (const std::uint32_t index : connection.exchanges) {
    const bool unasked = plan_.exchanges[index].request.empty();
    const bool first = connection.greetings == connection.transactions.size();
    if (unasked && !first) continue;
    if (unasked) ++connection.greetings;
    connection.transactions.push_back(index);
  }
}

// A non-blocking connect whose outcome nobody asked for was established if anything came of it.
void Pass::settle_connects() {
  for (RecordedConnect& connect : plan_.connects) {
    if (connect.outcome != RecordedConnect::Outcome::kPending) continue;
    const RecordedConnection* connection = plan_.connection(connect.connection);
    const bool used = connection != nullptr && !connection->transactions.empty();
    if (used || plan_.inputs.of(connect.connection).chunks > 0) {
      connect.outcome = RecordedConnect::Outcome::kEstablished;
    }
  }
}

// A client that opened with a TLS handshake cannot say the same again: the keys would be others.
void Pass::check_clients() {
  constexpr std::uint8_t kHandshake = 0x16;  // RFC 8446, 5.1
  for (const Unit& unit : plan_.units) {
    if (unit.chunks == 0) continue;
    const Chunk& chunk = plan_.inputs.chunks[unit.first_chunk];
    if (chunk.bytes.begin != 0 || chunk.bytes.size() < 3) continue;
    const event::Bytes first = plan_.streams->bytes({unit.connection, Flow::kReceived}, {0, 3});
    if (first.size() == 3 && first[0] == kHandshake && first[1] == 3) {
      const RecordedConnection* connection = plan_.connection(unit.connection);
      plan_.cannot_drive = "connection " + std::to_string(unit.connection.value) + " (from " +
                           connection->peer.text +
                           ") speaks TLS to the service, which cannot be replayed yet; let TLS end "
                           "in front of the service and record that";
      return;
    }
  }
}

void Pass::settle_end() {
  const std::optional<archive::Trailer>& trailer = reader_.trailer();
  if (!plan_.end.exit && trailer && trailer->exited) plan_.end.exit = trailer->exit;
  if (!plan_.end.exit || plan_.end.exit->how != event::ProcessExited::How::kSignal) return;
  // Signals that a program brings upon itself will come by themselves again.
  static constexpr int kOwnFault[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                      SIGABRT, SIGTRAP, SIGSYS, SIGPIPE};
  const int number = plan_.end.exit->value;
  if (std::ranges::find(kOwnFault, number) == std::end(kOwnFault)) plan_.end.signal = number;
}

}  // namespace

tl::expected<std::unique_ptr<Plan>, Error> Plan::read(archive::Reader& reader,
                                                      const Selection& selection) {
  auto plan = std::make_unique<Plan>();
  plan->header = reader.header();
  plan->selection = selection;
  plan->timeline.emplace(plan->header);
  plan->streams = std::make_unique<Streams>([&reader](std::uint64_t number) {
    auto content = reader.content(number);
    return content ? std::optional(std::move(*content)) : std::nullopt;
  });
  if (auto read = Pass(reader, *plan).run(selection); !read) {
    return tl::unexpected(std::move(read.error()));
  }
  return plan;
}

const RecordedExchange* Plan::exchange(event::ExchangeId id) const {
  const auto found = std::ranges::lower_bound(exchanges, id, {}, &RecordedExchange::id);
  return found != exchanges.end() && found->id == id ? &*found : nullptr;
}

const RecordedExchange* Plan::exchange(event::ConnectionId on, std::uint64_t ordinal) const {
  const RecordedConnection* recorded = connection(on);
  if (recorded == nullptr) return nullptr;
  const auto found =
      std::ranges::lower_bound(recorded->exchanges, ordinal, {},
                               [&](std::uint32_t index) { return exchanges[index].ordinal; });
  const bool same = found != recorded->exchanges.end() && exchanges[*found].ordinal == ordinal;
  return same ? &exchanges[*found] : nullptr;
}

std::uint64_t Plan::ordinal_of(event::ConnectionId on, std::uint64_t nth) const {
  const RecordedConnection* recorded = connection(on);
  if (recorded == nullptr || nth <= recorded->greetings) return nth;
  if (recorded->first_request >= recorded->transactions.size()) return nth;
  const std::uint64_t first = exchanges[recorded->transactions[recorded->first_request]].ordinal;
  return first + (nth - 1 - recorded->greetings);
}

const RecordedConnection* Plan::connection(event::ConnectionId id) const {
  const auto found = connections.find(id);
  return found == connections.end() ? nullptr : &found->second;
}

std::span<const RecordedCall> Plan::calls_in(const event::Context& context) const {
  const auto first = std::ranges::lower_bound(calls, context, {}, &RecordedCall::context);
  const auto last = std::ranges::upper_bound(calls, context, {}, &RecordedCall::context);
  return {first, last};
}

event::Protocol Plan::first_protocol(const RecordedConnection& connection) const {
  if (connection.transactions.empty()) return connection.protocol;
  const std::uint32_t first = connection.transactions.front();
  return connection.direction == event::Direction::kInbound ? exchanges[first].protocol
                                                            : calls[first].protocol;
}

bool Plan::has_draws(std::uint32_t entry) const {
  return entry < tape.entries.size() &&
         tape.entries[entry].ready_draws + tape.entries[entry].io_draws > 0;
}

std::optional<NameId> Plan::peer_at(const event::Address& address) const {
  const auto known = peer_of_address.find(address.text);
  return known == peer_of_address.end() ? std::nullopt : std::optional(known->second);
}

}  // namespace reprise::replayer
