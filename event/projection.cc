#include "event/projection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <span>
#include <utility>
#include <variant>

#include "event/context_sequence.h"
#include "event/draws.h"
#include "event/idling.h"
#include "event/modules.h"

namespace reprise::event {
namespace {

std::string error_name(std::int32_t error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "error " + std::to_string(error);
}

bool would_block(std::int32_t error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

std::string after_last_colon(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return colon == std::string::npos ? "" : address.substr(colon);
}

// What a connection is called, without what differs from run to run.
std::string peer_of(const Connection& connection) {
  if (connection.direction == Direction::kInbound) return "the client";
  if (connection.peer_name.empty()) return connection.peer.text;
  return connection.peer_name + after_last_colon(connection.peer.text);
}

std::string lookup_outcome(const LookedUp& lookup) {
  if (lookup.result != 0) return "error " + std::to_string(lookup.result);
  std::string text;
  for (const LookupAddress& address : lookup.addresses) {
    text += (text.empty() ? "" : ", ") + address.address.text;
  }
  return text;
}

// As the recording numbers it.
std::uint64_t recorded_id(const Connection& connection) {
  return connection.recorded != 0 ? connection.recorded : connection.id.value;
}

// Whether an equal run draws the same there. Loops and libraries read clocks as often as they are
// woken, and time-outs by monotonic ones; what comes of it shows in what is sent.
bool is_reproducible(const Draw& draw, bool idling) {
  if (draw.kind == Draw::Kind::kRandom) return true;
  return draw.own() && !is_monotonic(draw.source) && !is_processor_time(draw.source) && !idling;
}

// Whose bytes a range of a connection's stream is.
struct Owner {
  ByteRange range;
  ContextKey key;
};

}  // namespace

class Projector::State {
 public:
  explicit State(std::optional<ContextKey> whole) : whole_(std::move(whole)) {}

  void add(const Connection& connection) { connections_[connection.id] = connection; }
  void add(const Exchange& exchange);
  void add(const Event& event);
  Projection finish();

 private:
  // A send that was announced and whose result is to come.
  struct Announced {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    Bytes bytes;  // unless they are those of a file:
    std::string path;
    std::uint64_t file_offset = 0;
    ContextKey context;
  };
  using Stream = std::pair<ConnectionId, bool>;  // whether the service sends on it

  ContextKey key_of(const Event& event) const;
  ContextKey key_of(const Event& event, ConnectionId connection) const;
  ContextSequence& sequence(const ContextKey& key);
  ContextSequence& sequence(const Event& event) { return sequence(key_of(event)); }
  ContextSequence& sequence(const Event& event, ConnectionId connection) {
    return sequence(key_of(event, connection));
  }
  std::uint32_t place_of(const Event& event);
  std::string peer(ConnectionId id) const;
  template <typename Visit>
  void each_part(Stream stream, std::uint64_t offset, std::uint64_t length,
                 const ContextKey& otherwise, Visit visit);

  void receive(const Event& event, const BytesReceived& read);
  void announce(const Event& event, const SendIntended& intent);
  void settle(const Event& event, const SendFinished& finished);
  void accept_bytes(ConnectionId id, const Announced& send, std::uint64_t length);
  void close(const Event& event, ConnectionId id, const char* what, const std::string& how);
  void connect(const Event& event, const Connected& connected);
  bool is_internal(const Event& event) const;
  bool add_stream_fact(const Event& event);
  void end_process(const Event& event, bool by_code, std::int32_t value);
  bool add_process_fact(const Event& event);
  void add_other_fact(const Event& event);

  std::optional<ContextKey> whole_;
  std::uint64_t now_ = 0;  // number of the event
  Modules modules_;
  Idling idling_;
  std::vector<CodePlace> places_{CodePlace{}};
  std::map<CodePlace, std::uint32_t> place_numbers_;
  std::map<ConnectionId, Connection> connections_;
  std::set<ProcessId> ended_;
  std::map<ExchangeId, ContextKey> exchanges_;
  std::map<Stream, std::vector<Owner>> owners_;
  std::map<ProcessId, std::string> paths_;
  std::map<ThreadId, std::uint32_t> ordinals_;
  std::map<ConnectionId, std::vector<Announced>> announced_;
  std::map<ContextKey, ContextSequence> sequences_;
};

void Projector::State::add(const Exchange& exchange) {
  const auto connection = connections_.find(exchange.connection);
  ContextKey key;
  key.kind = Context::Kind::kExchange;
  key.connection = connection == connections_.end() ? exchange.connection.value
                                                    : recorded_id(connection->second);
  key.ordinal = exchange.ordinal;
  exchanges_[exchange.id] = key;
  owners_[{exchange.connection, false}].push_back({exchange.request, key});
  owners_[{exchange.connection, true}].push_back({exchange.response, key});
}

ContextKey Projector::State::key_of(const Event& event) const {
  if (event.context.kind == Context::Kind::kExchange) {
    const auto known = exchanges_.find(event.context.exchange);
    if (known != exchanges_.end()) return known->second;
  }
  ContextKey key;
  key.kind = event.context.kind;
  const auto path = paths_.find(event.process);
  if (path != paths_.end()) key.process = path->second;
  const auto ordinal = ordinals_.find(event.thread);
  if (ordinal != ordinals_.end()) key.thread = ordinal->second;
  return key;
}

// What is done to a client's connection for no exchange in particular (accept, close) is its own:
// any thread of the service may come to do it.
ContextKey Projector::State::key_of(const Event& event, ConnectionId connection) const {
  const auto found = connections_.find(connection);
  if (event.context.kind == Context::Kind::kExchange || found == connections_.end() ||
      found->second.internal || found->second.direction != Direction::kInbound) {
    return key_of(event);
  }
  ContextKey key;
  key.kind = Context::Kind::kExchange;
  key.connection = recorded_id(found->second);
  return key;
}

ContextSequence& Projector::State::sequence(const ContextKey& key) {
  return sequences_.try_emplace(key, now_, key == whole_).first->second;
}

// Of a draw; of other events it is not known.
std::uint32_t Projector::State::place_of(const Event& event) {
  std::uint64_t caller = 0;
  if (const auto* clock = std::get_if<ClockRead>(&event.fact)) caller = clock->caller;
  if (const auto* random = std::get_if<RandomDrawn>(&event.fact)) caller = random->caller;
  auto place = modules_.place_of(event.process, caller);
  if (!place) return 0;
  const auto next = static_cast<std::uint32_t>(places_.size());
  const auto [known, added] = place_numbers_.try_emplace(*place, next);
  if (added) places_.push_back(*std::move(place));
  return known->second;
}

std::string Projector::State::peer(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? "an unknown peer" : peer_of(found->second);
}

// Cuts a piece of a stream by the exchanges whose messages it holds: one read may bring several
// requests. What belongs to no message is `otherwise`.
template <typename Visit>
void Projector::State::each_part(Stream stream, std::uint64_t offset, std::uint64_t length,
                                 const ContextKey& otherwise, Visit visit) {
  const std::uint64_t end = offset + length;
  const auto found = owners_.find(stream);
  std::uint64_t at = offset;
  if (found != owners_.end()) {
    // Ordinals ascend, and so do the ranges.
    const auto& owners = found->second;
    auto owner = std::partition_point(owners.begin(), owners.end(), [&](const Owner& candidate) {
      return candidate.range.end <= at;
    });
    for (; owner != owners.end() && owner->range.begin < end; ++owner) {
      const std::uint64_t from = std::max(at, owner->range.begin);
      const std::uint64_t to = std::min(end, owner->range.end);
      if (from > at) visit(otherwise, at, from - at);
      if (to > from) visit(owner->key, from, to - from);
      at = std::max(from, to);
    }
  }
  if (at < end) visit(otherwise, at, end - at);
}

void Projector::State::receive(const Event& event, const BytesReceived& read) {
  if (read.error != 0) {
    if (would_block(read.error)) return;
    sequence(event, read.connection)
        .interrupt(read.connection, peer(read.connection), "reading failed from",
                   error_name(read.error));
    return;
  }
  if (read.bytes.empty()) {
    sequence(event, read.connection)
        .interrupt(read.connection, peer(read.connection), "end of stream from");
    return;
  }
  const std::span<const std::uint8_t> bytes(read.bytes);
  each_part({read.connection, false}, read.offset, bytes.size(), key_of(event, read.connection),
            [&](const ContextKey& key, std::uint64_t at, std::uint64_t length) {
              sequence(key).receive(read.connection, peer(read.connection),
                                    bytes.subspan(at - read.offset, length));
            });
}

void Projector::State::announce(const Event& event, const SendIntended& intent) {
  const ContextKey context = key_of(event, intent.connection);
  each_part({intent.connection, true}, intent.offset, intent.bytes.size(), context,
            [&](const ContextKey& key, std::uint64_t, std::uint64_t) {
              sequence(key).announce(intent.connection, peer(intent.connection));
            });
  Announced send;
  send.offset = intent.offset;
  send.length = intent.bytes.size();
  send.bytes = intent.bytes;
  send.context = context;
  announced_[intent.connection].push_back(std::move(send));
}

// The parts of one send follow one another from the offset that its result names.
void Projector::State::settle(const Event& event, const SendFinished& finished) {
  std::vector<Announced>& waiting = announced_[finished.connection];
  if (finished.error != 0 && !would_block(finished.error)) {
    sequence(event, finished.connection)
        .interrupt(finished.connection, peer(finished.connection), "sending failed to",
                   error_name(finished.error));
  }
  std::uint64_t left = finished.result > 0 ? static_cast<std::uint64_t>(finished.result) : 0;
  std::uint64_t offset = finished.offset;
  for (auto send = waiting.begin(); send != waiting.end();) {
    if (send->offset != offset) {
      ++send;
      continue;
    }
    offset += send->length;
    const std::uint64_t accepted = std::min(left, send->length);
    accept_bytes(finished.connection, *send, accepted);
    left -= accepted;
    send = waiting.erase(send);
  }
}

void Projector::State::accept_bytes(ConnectionId id, const Announced& send, std::uint64_t length) {
  if (!send.path.empty()) {
    if (length == 0) return;
    sequence(send.context)
        .send_file(id, peer(id), send.path, {send.file_offset, send.file_offset + length});
    return;
  }
  const std::span<const std::uint8_t> bytes(send.bytes);
  each_part({id, true}, send.offset, length, send.context,
            [&](const ContextKey& key, std::uint64_t at, std::uint64_t part) {
              sequence(key).send(id, peer(id), bytes.subspan(at - send.offset, part));
            });
}

// Of a socket that is no connection (a listener, one that was never connected) no peer can tell.
void Projector::State::close(const Event& event, ConnectionId id, const char* what,
                             const std::string& how) {
  if (connections_.contains(id)) sequence(event, id).interrupt(id, peer(id), what, how);
}

void Projector::State::connect(const Event& event, const Connected& connected) {
  std::optional<std::string> outcome;
  if (connected.error != EINPROGRESS && connected.error != EINTR) {
    outcome = connected.error == 0 ? "" : error_name(connected.error);
  }
  sequence(event).connect(connected.connection, peer(connected.connection), outcome);
}

// Of what the service says to itself nobody else can tell; nginx sends process ids.
bool Projector::State::is_internal(const Event& event) const {
  return std::visit(
      [this](const auto& fact) {
        if constexpr (requires { fact.connection; }) {
          const auto found = connections_.find(fact.connection);
          return found != connections_.end() && found->second.internal;
        } else {
          return false;
        }
      },
      event.fact);
}

bool Projector::State::add_stream_fact(const Event& event) {
  if (is_internal(event)) return true;
  if (const auto* read = std::get_if<BytesReceived>(&event.fact)) {
    receive(event, *read);
  } else if (const auto* intent = std::get_if<SendIntended>(&event.fact)) {
    announce(event, *intent);
  } else if (const auto* finished = std::get_if<SendFinished>(&event.fact)) {
    settle(event, *finished);
  } else if (const auto* file = std::get_if<FileRangeSent>(&event.fact)) {
    Announced send;
    send.offset = file->offset;
    send.length = file->length;
    send.path = file->path;
    send.file_offset = file->file_offset;
    send.context = key_of(event, file->connection);
    announced_[file->connection].push_back(std::move(send));
  } else if (const auto* connected = std::get_if<Connected>(&event.fact)) {
    connect(event, *connected);
  } else if (const auto* result = std::get_if<ConnectFinished>(&event.fact)) {
    sequence(event).finish_connect(result->connection,
                                   result->error == 0 ? "" : error_name(result->error));
  } else if (const auto* shut = std::get_if<ShutDown>(&event.fact)) {
    close(event, shut->connection, "shut down to", std::to_string(shut->how));
  } else if (const auto* closed = std::get_if<Closed>(&event.fact)) {
    close(event, closed->connection, "closed to", "");
  } else {
    return false;
  }
  return true;
}

// A process that a signal ends may have said so itself, or its parent learns it, or both.
void Projector::State::end_process(const Event& event, bool by_code, std::int32_t value) {
  if (!ended_.insert(event.process).second) return;
  sequence(event).put(by_code ? "exited with code" : "killed by signal", std::to_string(value));
}

bool Projector::State::add_process_fact(const Event& event) {
  if (const auto* started = std::get_if<ProcessStarted>(&event.fact)) {
    paths_[event.process] = started->path;
    sequence(event).put("started", started->path);
  } else if (const auto* thread = std::get_if<ThreadStarted>(&event.fact)) {
    ordinals_[event.thread] = thread->ordinal;
  } else if (const auto* forked = std::get_if<ProcessForked>(&event.fact)) {
    sequence(event).put("forked", std::to_string(forked->ordinal));
  } else if (const auto* program = std::get_if<ProgramExecuted>(&event.fact)) {
    sequence(event).put("executed", program->path);
  } else if (const auto* exited = std::get_if<ProcessExited>(&event.fact)) {
    end_process(event, exited->how == ProcessExited::How::kCode, exited->value);
  } else if (const auto* signal = std::get_if<SignalReceived>(&event.fact)) {
    if (signal->fatal) {
      end_process(event, false, signal->number);
    } else {
      sequence(event).put("signal", std::to_string(signal->number));
    }
  } else if (const auto* listened = std::get_if<Listened>(&event.fact)) {
    sequence(event).put("listened", listened->error == 0 ? "" : error_name(listened->error));
  } else if (const auto* accepted = std::get_if<Accepted>(&event.fact)) {
    if (would_block(accepted->error)) return true;
    sequence(event, accepted->connection)
        .put("accepted", accepted->error == 0 ? "" : error_name(accepted->error));
  } else {
    return false;
  }
  return true;
}

void Projector::State::add_other_fact(const Event& event) {
  if (const auto draw = draw_of(event, modules_)) {
    if (is_reproducible(*draw, idling_.is(event.thread))) {
      sequence(event).put(*draw, place_of(event));
    }
  } else if (const auto* lookup = std::get_if<LookedUp>(&event.fact)) {
    sequence(event).put("lookup of " + lookup->node + ":" + lookup->service,
                        lookup_outcome(*lookup));
  } else if (const auto* call = std::get_if<CallAnnotated>(&event.fact)) {
    sequence(event).put("called " + call->name, "", call->arguments);
    sequence(event).put(call->name + (call->threw ? " threw" : " returned"), "", call->result);
  } else if (const auto* entry = std::get_if<EntryPassed>(&event.fact)) {
    sequence(event).put((entry->opened ? "entered " : "left ") + entry->name, "", entry->payload);
  } else if (const auto* log = std::get_if<LogWritten>(&event.fact)) {
    sequence(event).log(log->stream, log->bytes);
  } else if (const auto* gap = std::get_if<Gap>(&event.fact)) {
    sequence(event).put("gap: " + gap->reason, std::to_string(gap->records));
  }
}

void Projector::State::add(const Event& event) {
  ++now_;
  modules_.add(event);
  idling_.add(event);
  if (add_stream_fact(event) || add_process_fact(event)) return;
  add_other_fact(event);
}

Projection Projector::State::finish() {
  // Sends that the end of the process cut short may have been taken.
  for (const auto& [id, sends] : announced_) {
    for (const Announced& send : sends) accept_bytes(id, send, send.length);
  }
  Projection projection;
  for (auto& [key, sequence] : sequences_) {
    if (auto facts = sequence.take_facts(); !facts.empty())
      projection.facts[key] = std::move(facts);
    if (auto log = sequence.take_log(); !log.empty()) projection.log[key] = std::move(log);
  }
  for (const auto& [id, key] : exchanges_) projection.arrivals.push_back(key);
  projection.places = std::move(places_);
  return projection;
}

Projector::Projector(std::optional<ContextKey> whole)
    : state_(std::make_unique<State>(std::move(whole))) {}
Projector::~Projector() = default;
void Projector::add(const Connection& connection) { state_->add(connection); }
void Projector::add(const Exchange& exchange) { state_->add(exchange); }
void Projector::add(const Event& event) { state_->add(event); }
Projection Projector::finish() { return state_->finish(); }

std::string ContextKey::name() const {
  if (kind == Context::Kind::kExchange && ordinal == 0) {
    return "connection " + std::to_string(connection);
  }
  if (kind == Context::Kind::kExchange) {
    return "exchange " + std::to_string(ordinal) + " of connection " + std::to_string(connection);
  }
  std::string text = kind == Context::Kind::kBackground ? "background" : "unattributed work";
  text += " of thread " + std::to_string(thread);
  return process.empty() ? text : text + " of process " + process;
}

bool CanonicalFact::same(const CanonicalFact& other) const {
  return what == other.what && value == other.value && size == other.size && hash == other.hash;
}

std::string CanonicalFact::text() const {
  std::string out = what;
  if (!value.empty()) out += ": " + value;
  if (size != 0) out += " (" + std::to_string(size) + " bytes, `" + excerpt + "`)";
  return out;
}

}  // namespace reprise::event
