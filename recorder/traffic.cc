#include "recorder/traffic.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "recorder/address_text.h"

namespace reprise::recorder {

using event::Context;
using protocol::End;
using protocol::Side;

namespace {

// Connections beyond which those that may have lost their close record are looked for.
constexpr std::size_t kManyConnections = 4096;
constexpr std::uint64_t kForgottenSeconds = 60;
constexpr int kDeepestFork = 64;

}  // namespace

Traffic::Traffic(Sink& sink, Outlet& outlet, Participants& participants, Surroundings& surroundings,
                 RecordedOrdinals recorded_ordinals)
    : outlet_(outlet),
      participants_(participants),
      surroundings_(surroundings),
      recorded_ordinals_(std::move(recorded_ordinals)),
      book_(sink),
      attribution_(connections_, book_) {}

// --- Who holds what ------------------------------------------------------------------------------

void Traffic::hold(ConnectionState& connection, const ProcessState& process) {
  auto& holders = connection.holders;
  if (holders.size() == 1 && holders.front() == process.id) return;
  if (std::find(holders.begin(), holders.end(), process.id) == holders.end()) {
    holders.push_back(process.id);
  }
}

ConnectionState& Traffic::touch(ThreadState& thread, event::ConnectionId id, event::Stamp stamp) {
  ConnectionState* connection = connections_.find(id);
  if (connection == nullptr) {  // the kernel had no cookie for it, or the record is damaged
    connection = connections_.find(nameless_);
    if (connection == nullptr) connection = &connections_.open(0);
    nameless_ = connection->info.id;
  }
  hold(*connection, *thread.process);
  connection->last_used = stamp;
  return *connection;
}

void Traffic::inherit(const ProcessState& parent, const ProcessState& child) {
  connections_.each([&](ConnectionState& connection) {
    const auto& holders = connection.holders;
    if (std::find(holders.begin(), holders.end(), parent.id) != holders.end()) {
      hold(connection, child);
    }
  });
}

void Traffic::let_go_shared(const ProcessState& process) {
  connections_.each([&](ConnectionState& connection) {
    // The last one may have been passed on to the new program: it goes when that ends.
    if (connection.holders.size() > 1) std::erase(connection.holders, process.id);
  });
}

void Traffic::process_gone(const ProcessState& process, event::Stamp stamp) {
  const std::string why = process.orderly ? "the service ended first" : "the service was killed";
  connections_.each([&](ConnectionState& connection) {
    const bool held = std::erase(connection.holders, process.id) > 0;
    if (held && connection.holders.empty() && !connection.passed_on)
      end(connection, stamp, why, process.orderly);
  });
}

void Traffic::passed(const ThreadState& thread, const abi::Passed& passed) {
  ConnectionState* connection = connections_.find(passed.socket);
  if (connection == nullptr) return;
  auto& bases = connection->bases;
  const event::ProcessId process = thread.process->id;
  const auto base = std::ranges::find(bases, process, &ConnectionState::Base::process);
  if (passed.taken != 0) {
    hold(*connection, *thread.process);
    connection->passed_on = false;
    connection->passed.process = process;
    if (base != bases.end()) bases.erase(base);
    bases.push_back(connection->passed);
    any_passed_ = true;
    return;
  }
  connection->passed_on = true;
  connection->passed = {{}, passed.in_offset, passed.out_offset};
  if (base == bases.end()) return;
  connection->passed.in += base->in;
  connection->passed.out += base->out;
}

void Traffic::rebase(const ThreadState& thread, event::Fact& fact) {
  if (!any_passed_) return;
  const auto base_of = [&](event::ConnectionId id) -> ConnectionState::Base {
    const ConnectionState* connection = connections_.find(id);
    if (connection == nullptr) return {};
    const auto found =
        std::ranges::find(connection->bases, thread.process->id, &ConnectionState::Base::process);
    return found == connection->bases.end() ? ConnectionState::Base{} : *found;
  };
  if (auto* received = std::get_if<event::BytesReceived>(&fact)) {
    received->offset += base_of(received->connection).in;
  } else if (auto* intended = std::get_if<event::SendIntended>(&fact)) {
    intended->offset += base_of(intended->connection).out;
  } else if (auto* finished = std::get_if<event::SendFinished>(&fact)) {
    finished->offset += base_of(finished->connection).out;
  } else if (auto* range = std::get_if<event::FileRangeSent>(&fact)) {
    range->offset += base_of(range->connection).out;
  } else if (auto* tls = std::get_if<event::TlsNegotiated>(&fact)) {
    const ConnectionState::Base base = base_of(tls->connection);
    tls->in_offset += base.in;
    tls->out_offset += base.out;
  }
}

// --- Opening -------------------------------------------------------------------------------------

Context Traffic::listened(ThreadState& thread, const event::Listened& fact) {
  ConnectionState* listener = connections_.find(fact.listener);
  if (listener == nullptr) return {};
  listener->kind = SocketKind::kListener;
  listener->info.local = fact.local;
  if (is_unix(fact.local.raw)) unix_listeners_.insert(fact.local.text);
  hold(*listener, *thread.process);
  return attribution_.of_work(thread);
}

void Traffic::converse_inbound(ConnectionState& connection) {
  const event::ConnectionId recorded{connection.info.recorded};
  Ordinals ordinals;
  if (recorded && recorded_ordinals_) {
    ordinals = [this, recorded](std::uint64_t nth) { return recorded_ordinals_(recorded, nth); };
  }
  auto conversation =
      std::make_unique<InboundConversation>(book_, connection.info.id, std::move(ordinals));
  connection.inbound = conversation.get();
  connection.outbound = nullptr;
  connection.conversation = std::move(conversation);
}

void Traffic::converse_outbound(ConnectionState& connection) {
  const bool datagrams = connection.kind == SocketKind::kDatagram;
  auto conversation = std::make_unique<OutboundConversation>(
      book_, connection.info.id, peer_label(connection),
      datagrams ? event::Protocol::kUdp : event::Protocol::kUnknown);
  connection.outbound = conversation.get();
  connection.inbound = nullptr;
  connection.conversation = std::move(conversation);
}

// "payments:8080" when the service looked the peer up, else its address.
std::string Traffic::peer_label(const ConnectionState& connection) const {
  const event::Connection& info = connection.info;
  if (info.peer_name.empty()) return info.peer.text;
  return info.peer_name + ":" + std::to_string(port_of(info.peer.raw));
}

// Finds the other end of a connection within the service.
void Traffic::pair_up(ConnectionState& connection) {
  const event::Connection& info = connection.info;
  const bool accepted = info.direction == event::Direction::kInbound;
  ConnectionState* other = nullptr;
  const event::Address& listener = accepted ? info.local : info.peer;
  if (!is_unix(listener.raw)) {
    other = connections_.pair_up(connection);
  } else if (!unix_listeners_.contains(listener.text)) {
    return;
  } else if (!accepted) {
    const ProcessState* process = participants_.find(info.process);
    other = connections_.pair_up_unix(connection, process == nullptr ? 0 : process->identity.pid);
  } else if (participants_.has_pid(connection.peer_pid)) {
    other = connections_.pair_up_unix(connection, connection.peer_pid);
  } else {
    return;
  }
  // Of a path there is no doubt, whichever end is recorded first.
  if (is_unix(listener.raw)) keep_inside(connection);
  if (other != nullptr) make_internal(connection, *other);
}

void Traffic::keep_inside(ConnectionState& end) {
  if (end.conversation != nullptr) {
    end.conversation->finish("both ends of its connection lie inside the service");
  }
  end.conversation.reset();
  end.inbound = nullptr;
  end.outbound = nullptr;
  end.info.internal = true;
}

void Traffic::make_internal(ConnectionState& one, ConnectionState& other) {
  keep_inside(one);
  keep_inside(other);
  one.other_end = other.info.id;
  other.other_end = one.info.id;
  std::swap(one.carried, other.ahead);
  std::swap(other.carried, one.ahead);
  outlet_.sink().on_connection(other.info);
}

bool Traffic::takes_work_from(event::ConnectionId id) {
  const ConnectionState* connection = connections_.find(id);
  return connection != nullptr &&
         (connection->kind == SocketKind::kListener || connection->inbound != nullptr);
}

Context Traffic::accepted(ThreadState& thread, const event::Event& event,
                          const event::Accepted& fact) {
  attribution_.on_wait(thread);
  if (!fact.connection) return {};
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  connection.kind = SocketKind::kConnection;
  event::Connection& info = connection.info;
  info.process = thread.process->id;
  info.direction = event::Direction::kInbound;
  info.local = fact.local;
  info.peer = fact.peer;
  info.listener = fact.listener;
  info.recorded = fact.recorded;
  info.opened = event.exit;
  connection.in.losses_seen = connection.out.losses_seen = losses_;
  converse_inbound(connection);
  attribution_.on_silence(thread, connection);
  pair_up(connection);
  outlet_.sink().on_connection(info);
  return {};
}

Context Traffic::connected(ThreadState& thread, const event::Event& event,
                           const event::Connected& fact) {
  const Context context = attribution_.of_call(thread);
  if (!fact.connection) return context;
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  const bool again = connection.kind != SocketKind::kUnknown;  // after a failed attempt
  connection.kind = fact.type == SOCK_STREAM ? SocketKind::kConnection : SocketKind::kDatagram;
  event::Connection& info = connection.info;
  info.process = thread.process->id;
  info.direction = event::Direction::kOutbound;
  info.local = fact.local;
  info.peer = fact.peer;
  if (!again) {
    info.opened = event.exit;
    connection.in.losses_seen = connection.out.losses_seen = losses_;
  }
  info.peer_name = "";
  const ProcessState* process = thread.process;
  for (int depth = 0; process != nullptr && depth < kDeepestFork; ++depth) {
    info.peer_name = names_.name_of(process->id, fact.peer.raw);
    if (!info.peer_name.empty()) break;
    process = participants_.process_at(process->identity.parent);
  }
  connection.owner = context;
  if (connection.kind == SocketKind::kConnection && !info.internal) {
    if (connection.outbound == nullptr || !connection.outbound->has_called()) {
      converse_outbound(connection);
    }
    // A connect through a Unix socket has its outcome at once.
    if (fact.error == 0 || !is_unix(fact.peer.raw)) pair_up(connection);
  }
  if (connection.kind == SocketKind::kDatagram && connection.outbound == nullptr) {
    converse_outbound(connection);
  }
  outlet_.sink().on_connection(info);
  return context;
}

Context Traffic::connect_finished(ThreadState& thread, const event::ConnectFinished& fact) {
  ConnectionState* connection = connections_.find(fact.connection);
  if (connection == nullptr) return attribution_.of_work(thread);
  // Being established is input, as an answer is: who opened the connection goes on.
  if (connection->owner.kind == Context::Kind::kExchange) {
    attribution_.on_answer(thread, connection->owner, false);
  }
  return connection->owner;
}

Context Traffic::paired(ThreadState& thread, const event::Event& event, const event::Paired& fact) {
  const std::pair<event::ConnectionId, event::ConnectionId> ends[] = {{fact.first, fact.second},
                                                                      {fact.second, fact.first}};
  for (const auto& [one, other] : ends) {
    ConnectionState& connection = touch(thread, one, event.exit);
    connection.kind = SocketKind::kPair;
    connection.other_end = other;
    connection.info.internal = true;
    connection.info.process = thread.process->id;
    connection.info.opened = event.exit;
    outlet_.sink().on_connection(connection.info);
  }
  return attribution_.of_work(thread);
}

// A connection whose beginning is not in the recording: it was inherited from before, or the record
// was lost. Who speaks first tells what it is.
void Traffic::guess_kind(ConnectionState& connection, ThreadState& thread, bool inbound,
                         std::uint64_t offset, event::Stamp stamp) {
  connection.kind = SocketKind::kConnection;
  connection.info.process = thread.process->id;
  connection.info.direction = inbound ? event::Direction::kInbound : event::Direction::kOutbound;
  connection.info.opened = stamp;
  connection.owner = attribution_.of_call(thread);
  if (inbound) {
    converse_inbound(connection);
  } else {
    converse_outbound(connection);
  }
  if (offset != 0) {
    connection.conversation->lose(connection.side(!inbound), "its beginning was not recorded");
    (inbound ? connection.in : connection.out).resume_at(offset);
  }
  outlet_.sink().on_connection(connection.info);
}

Context Traffic::looked_up(ThreadState& thread, const event::LookedUp& fact) {
  names_.learn(thread.process->id, fact);
  return attribution_.of_call(thread);
}

Context Traffic::negotiated(ThreadState& thread, const event::Event& event,
                            const event::TlsNegotiated& fact) {
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  if (fact.error == 0) {
    connection.info.tls = fact.version;
    outlet_.sink().on_connection(connection.info);
  }
  return attribution_.of_work(thread);
}

// --- Closing -------------------------------------------------------------------------------------

std::string Traffic::why_closed(const ConnectionState& connection) const {
  if (connection.reset) return "the connection was reset";
  if (connection.ended) return "the peer closed the connection first";
  return "the service closed the connection first";
}

Context Traffic::shut_down(ThreadState& thread, const event::Event& event,
                           const event::ShutDown& fact) {
  ConnectionState* connection = connections_.find(fact.connection);
  if (connection == nullptr || connection->conversation == nullptr) {
    return attribution_.of_work(thread);
  }
  const Context context = connection->conversation->current();
  if (fact.error == 0 && fact.how != SHUT_RD) {
    const Moment moment{event.enter, event.exit, thread.process->id, context};
    connection->conversation->end(connection->side(true), End::kEof, moment);
  }
  return context;
}

Context Traffic::closed(ThreadState& thread, const event::Event& event, const event::Closed& fact) {
  ConnectionState* connection = connections_.find(fact.connection);
  if (connection == nullptr) return attribution_.of_work(thread);
  Context context = attribution_.of_work(thread);
  if (connection->outbound != nullptr && connection->outbound->is_waiting()) {
    // Giving a call up is work for whom it was made.
    context = connection->outbound->current();
    attribution_.on_answer(thread, context, false);
  } else if (connection->inbound != nullptr) {
    context = connection->inbound->current();
  }
  std::erase(connection->holders, thread.process->id);
  if (connection->holders.empty() && !connection->passed_on)
    end(*connection, event.exit, why_closed(*connection), true);
  return context;
}

// `orderly`: whoever had it open meant what it sent to be all.
void Traffic::end(ConnectionState& connection, event::Stamp stamp, const std::string& why,
                  bool orderly) {
  if (connection.conversation != nullptr) {
    Conversation& conversation = *connection.conversation;
    lose_waiting(connection, connection.in);
    lose_waiting(connection, connection.out);
    if (orderly && !connection.reset) {
      const Moment moment{stamp, stamp, connection.info.process, conversation.current()};
      conversation.end(connection.side(true), End::kEof, moment);
    }
    conversation.finish(why);
    connection.info.protocol = conversation.protocol();
  }
  if (connection.kind != SocketKind::kListener && connection.kind != SocketKind::kUnknown) {
    connection.info.closed = stamp;
    outlet_.sink().on_connection(connection.info);
  }
  connections_.close(connection);
}

void Traffic::thread_gone(ThreadState& thread) {
  for (const PendingRange& pending : thread.ranges) {
    ConnectionState* connection = connections_.find(pending.range.connection);
    if (connection == nullptr) continue;
    const Context context = connection->conversation == nullptr
                                ? Context::background()
                                : connection->conversation->current();
    emit_range(thread, pending, pending.enter, context);
    outlet_.gap(thread, pending.position,
                {1, pending.range.length, "the service died while it sent a file"});
  }
  thread.ranges.clear();
  for (const PendingSend& send : thread.sends) {
    ConnectionState* connection = connections_.find(send.connection);
    if (connection == nullptr || connection->conversation == nullptr) continue;
    connection->conversation->spoil("the service died while it sent; how much of the last " +
                                    std::to_string(send.length) + " bytes went out is not known");
  }
  thread.sends.clear();
}

void Traffic::lost_records(ThreadState& thread, const std::string& why) {
  ++losses_;
  for (const Context context : {thread.turn.context, thread.suspended}) {
    OpenExchange* open = book_.find(context.exchange);
    if (open != nullptr && !open->exchange.complete) book_.spoil(*open, why);
  }
  connections_.each([&](ConnectionState& connection) {
    const bool its = connection.user == thread.id || connection.reader == thread.id;
    if (its && connection.conversation != nullptr) connection.conversation->spoil(why);
  });
  // The results of these may be among what is missing.
  for (const PendingSend& send : thread.sends) {
    ConnectionState* connection = connections_.find(send.connection);
    if (connection != nullptr && connection->acceptance.in_flight > 0) {
      --connection->acceptance.in_flight;
    }
  }
  thread.sends.clear();
  thread.ranges.clear();
}

void Traffic::age(event::Stamp now, std::uint64_t ticks_per_second) {
  const bool many = losses_ > 0 && connections_.size() > kManyConnections;
  connections_.each([&](ConnectionState& connection) {
    for (ByteStream* stream : {&connection.in, &connection.out}) {
      if (!stream->has_waiting()) continue;
      const event::Stamp since = stream->waiting_since();
      if (now.ticks > since.ticks + ticks_per_second) lose_waiting(connection, *stream);
    }
    const event::Stamp used = connection.last_used;
    if (many && connection.kind == SocketKind::kConnection &&
        now.ticks > used.ticks + kForgottenSeconds * ticks_per_second) {
      end(connection, used, "its end was not recorded", false);
    }
  });
}

void Traffic::tell_finished() {
  connections_.each([](ConnectionState& connection) {
    if (connection.inbound != nullptr) connection.inbound->tell_last();
  });
}

void Traffic::finish(event::Stamp stamp) {
  connections_.each([&](ConnectionState& connection) {
    // An opaque turn has no end of its own; any other message that is not whole stays so.
    const Conversation* conversation = connection.conversation.get();
    const bool opaque =
        conversation != nullptr && conversation->protocol() == event::Protocol::kOpaque;
    end(connection, stamp, "the recording ended first", opaque);
  });
  book_.finish();
}

}  // namespace reprise::recorder
