#include "replayer/responder.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <utility>

#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Outcome = RecordedConnect::Outcome;

abi::AnswerConnect failure(std::int32_t error, std::int32_t final_error = 0) {
  abi::AnswerConnect answer{};
  answer.verdict = abi::ConnectVerdict::kFail;
  answer.link = abi::kNone;
  answer.error = error;
  answer.final_error = final_error;
  return answer;
}

// What the service is told its socket is called, where the recording says nothing. Of a Unix socket
// it knows better itself: the name it has here may be one of ours.
abi::SocketAddress local_to_tell(const abi::AskConnect& ask) {
  const bool by_path = family_of(ask.peer) == AF_UNIX && !is_spoken(ask.peer);
  return by_path ? abi::SocketAddress{} : ask.actual_local;
}

// A datagram socket of that family at an address of its own; -1 when there is none to be had.
int bound_datagram_socket(int family) {
  const int socket = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const abi::SocketAddress any = any_address(family);
  const auto* address = reinterpret_cast<const sockaddr*>(any.bytes);
  if (socket < 0 || ::bind(socket, address, any.length) == 0) return socket;
  ::close(socket);
  return -1;
}

template <typename Socket>
abi::SocketAddress local_of(const Socket& socket) {
  error_code ignored;
  const auto endpoint = socket.local_endpoint(ignored);
  return to_abi(endpoint.address(), endpoint.port());
}

}  // namespace

Responder::Responder(asio::io_context& io, Stage& stage)
    : io_(io), stage_(stage), outcomes_(stage.plan) {}

tl::expected<void, Error> Responder::start() {
  if (!open_door(v4_, asio::ip::address_v4::loopback())) {
    return tl::unexpected(
        Error{Error::Kind::kEnvironment,
              "cannot listen on 127.0.0.1 for the service's outbound connections; "
              "a replay needs the loopback interface"});
  }
  if (!open_unix_door()) {
    return tl::unexpected(
        Error{Error::Kind::kEnvironment,
              "cannot listen on a Unix socket for the service's outbound connections"});
  }
  // Without IPv6 here, a service that was recorded with it sees its connects fail.
  (void)open_door(v6_, asio::ip::address_v6::loopback());
  return {};
}

bool Responder::open_door(Door& door, const asio::ip::address& loopback) {
  error_code error;
  const auto bound = [&](int backlog) -> std::unique_ptr<tcp::acceptor> {
    auto acceptor = std::make_unique<tcp::acceptor>(io_);
    const tcp::endpoint any(loopback, 0);
    acceptor->open(any.protocol(), error);
    if (!error) acceptor->bind(any, error);
    if (!error && backlog >= 0) acceptor->listen(backlog, error);
    return error ? nullptr : std::move(acceptor);
  };
  door.acceptor = bound(asio::socket_base::max_listen_connections);
  if (door.acceptor != nullptr) door.refusing = bound(-1);
  if (door.refusing != nullptr) door.pending = bound(0);
  if (door.pending == nullptr) {
    door = {};
    return false;
  }
  // The kernel holds one connection more than the backlog and ignores those that follow.
  for (int i = 0; i < 2; ++i) {
    door.fill.emplace_back(io_);
    door.fill.back().open(door.pending->local_endpoint().protocol(), error);
    door.fill.back().non_blocking(true, error);
    const tcp::endpoint pending = door.pending->local_endpoint();
    // Not Asio's connect, which would wait for the one that stays pending.
    (void)::connect(door.fill.back().native_handle(), pending.data(),
                    static_cast<socklen_t>(pending.size()));
  }
  accept(*door.acceptor);
  return true;
}

bool Responder::open_unix_door() {
  error_code error;
  unix_ = std::make_unique<asio::local::stream_protocol::acceptor>(io_);
  unix_->open(asio::local::stream_protocol(), error);
  const abi::SocketAddress any = unnamed_unix();
  const auto* address = reinterpret_cast<const sockaddr*>(any.bytes);
  if (error || ::bind(unix_->native_handle(), address, any.length) != 0) return false;
  unix_->listen(asio::socket_base::max_listen_connections, error);
  if (!error) accept(*unix_);
  return !error;
}

template <typename Acceptor>
void Responder::accept(Acceptor& acceptor) {
  acceptor.async_accept([this, &acceptor](const error_code& error, auto socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) on_accepted(std::move(socket));
    accept(acceptor);
  });
}

void Responder::on_accepted(PeerSocket::Socket socket) {
  const auto awaited = awaited_.find(address_text(name_of(socket.native_handle(), ::getpeername)));
  if (awaited == awaited_.end()) return;  // closed before it was accepted, or not the service's
  const std::shared_ptr<AnsweredConnection> connection = awaited->second;
  awaited_.erase(awaited);
  connection->attach(std::move(socket));
}

Responder::Door* Responder::door_for(const abi::SocketAddress& address) {
  Door* door = is_spoken(address)               ? &v4_
               : family_of(address) == AF_INET  ? &v4_
               : family_of(address) == AF_INET6 ? &v6_
                                                : nullptr;
  return door != nullptr && door->acceptor != nullptr ? door : nullptr;
}

std::optional<abi::SocketAddress> Responder::place_for(const abi::SocketAddress& address,
                                                       Outcome outcome) {
  const Door* door = door_for(address);
  if (door == nullptr) {
    if (outcome != Outcome::kEstablished) return std::nullopt;
    return name_of(unix_->native_handle(), ::getsockname);
  }
  return local_of(outcome == Outcome::kEstablished ? *door->acceptor
                  : outcome == Outcome::kPending   ? *door->pending
                                                   : *door->refusing);
}

abi::AnswerConnect Responder::connect(const abi::AskConnect& ask, const event::Context& context,
                                      const RecordedThread& thread) {
  Door* door = door_for(ask.peer);
  const std::string peer_text = address_text(ask.peer);
  if (ask.type == SOCK_DGRAM) return connect_datagrams(ask, context, thread);
  if (door == nullptr && (family_of(ask.peer) != AF_UNIX || ask.type != SOCK_STREAM)) {
    stage_.ledger.note("connects to " + peer_text +
                       " were refused: only streams and datagrams over IPv4, IPv6 and Unix sockets "
                       "are answered");
    return failure(ECONNREFUSED);
  }
  if (const auto known = by_cookie_.find(ask.socket); known != by_cookie_.end()) {
    return failure(EISCONN);  // asked again how a non-blocking connect is getting on
  }
  const std::optional<NameId> peer = stage_.plan.peer_at(address_of(ask.peer));
  const RecordedConnect* outcome =
      peer ? outcomes_.take(context, *peer, SOCK_STREAM, thread) : nullptr;
  if (outcome == nullptr && is_spoken(ask.peer)) {
    // Where the recording has no calls at all, each of them is missed by its name.
    static const RecordedConnect kEstablished;
    outcome = &kEstablished;
  }
  if (outcome == nullptr) {
    stage_.ledger.refused_connect(context, peer_text);
    if (stage_.on_miss == OnMiss::kFail) {
      stage_.stop("a connect to " + peer_text + " was not recorded (--on-miss fail)");
    }
    if (stage_.on_miss != OnMiss::kPassthrough) return failure(ECONNREFUSED);
    abi::AnswerConnect answer{};
    answer.verdict = abi::ConnectVerdict::kRedirect;
    answer.link = abi::kNone;
    answer.error = ask.nonblocking != 0 && door != nullptr ? EINPROGRESS : 0;
    answer.address = ask.peer;
    answer.local = local_to_tell(ask);
    return answer;
  }
  return redirect(ask, context, peer, *outcome);
}

abi::AnswerConnect Responder::connect_datagrams(const abi::AskConnect& ask,
                                                const event::Context& context,
                                                const RecordedThread& thread) {
  if (const auto known = by_cookie_.find(ask.socket); known != by_cookie_.end()) {
    known->second->on_closed();  // the socket is connected to somebody else
    by_cookie_.erase(known);
  }
  const std::optional<NameId> peer = stage_.plan.peer_at(address_of(ask.peer));
  const RecordedConnect* outcome =
      peer ? outcomes_.take(context, *peer, SOCK_DGRAM, thread) : nullptr;
  if (outcome != nullptr && outcome->outcome == Outcome::kFailed) return failure(outcome->error);
  const RecordedConnection* recorded =
      outcome == nullptr ? nullptr : stage_.plan.connection(outcome->connection);
  abi::Mark opening{};
  opening.entry = abi::kNone;
  const LinkId link = stage_.control.open_link(abi::LinkRole::kAnswered, 0, opening, nullptr);
  return take_datagrams(ask, {.cookie = ask.socket,
                              .peer = address_of(ask.peer),
                              .name = peer,
                              .link = link,
                              .context = context,
                              .recorded = recorded,
                              .datagrams = true,
                              .tls = nullptr});
}

abi::AnswerConnect Responder::take_datagrams(const abi::AskConnect& ask,
                                             AnsweredConnection::Identity identity) {
  const bool refused = identity.recorded != nullptr && identity.recorded->refused;
  const int family = family_of(unmapped(ask.actual_local));
  const int own = bound_datagram_socket(family);
  if (own < 0) return failure(ENETUNREACH);
  PeerSocket::Socket socket(io_);
  error_code error;
  socket.assign(asio::generic::stream_protocol(family, 0), own, error);
  abi::AnswerConnect answer{};
  answer.verdict = abi::ConnectVerdict::kRedirect;
  answer.link = identity.link.value;
  answer.address = name_of(own, ::getsockname);
  if (identity.recorded != nullptr) answer.local = to_abi(identity.recorded->local);
  // Connected to itself it takes nothing from anybody else, and the kernel says so (ECONNREFUSED).
  const abi::SocketAddress other = refused ? answer.address : unmapped(ask.actual_local);
  (void)::connect(own, reinterpret_cast<const sockaddr*>(other.bytes), other.length);
  auto connection = std::make_shared<AnsweredConnection>(stage_, std::move(identity));
  connection->attach(std::move(socket));
  by_cookie_[ask.socket] = connection.get();
  connections_.push_back(std::move(connection));
  return answer;
}

abi::AnswerConnect Responder::fail(const abi::AskConnect& ask, const RecordedConnect& outcome,
                                   const abi::SocketAddress& local) {
  if (outcome.error != EINPROGRESS) return failure(outcome.error);
  const auto place = place_for(ask.peer, Outcome::kFailed);
  if (ask.nonblocking == 0 || !place) return failure(outcome.final_error);
  abi::AnswerConnect answer = failure(EINPROGRESS, outcome.final_error);
  answer.address = *place;
  answer.local = local;
  return answer;
}

abi::AnswerConnect Responder::redirect(const abi::AskConnect& ask, const event::Context& context,
                                       std::optional<NameId> peer, const RecordedConnect& outcome) {
  const RecordedConnection* recorded = stage_.plan.connection(outcome.connection);
  const abi::SocketAddress told_local =
      recorded == nullptr ? local_to_tell(ask) : to_abi(recorded->local);
  if (outcome.outcome == Outcome::kFailed) return fail(ask, outcome, told_local);
  const auto place = place_for(ask.peer, outcome.outcome);
  if (!place) return failure(ECONNREFUSED);
  abi::AnswerConnect answer{};
  answer.verdict = abi::ConnectVerdict::kRedirect;
  answer.link = abi::kNone;
  answer.error = ask.nonblocking != 0 && family_of(ask.peer) != AF_UNIX ? EINPROGRESS : 0;
  answer.local = told_local;
  answer.address = *place;
  if (outcome.outcome == Outcome::kPending) return answer;
  // Established at once, as a connect within one machine often is.
  if (ask.nonblocking != 0) answer.error = outcome.error;
  abi::Mark opening{};
  opening.entry = recorded == nullptr ? abi::kNone : recorded->opening_entry;
  opening.monotonic_shift_ns = stage_.clock.shift(context).count();
  opening.exchange = context.exchange.value;
  const std::shared_ptr<const RecordedTls> tls = tls_of(recorded, address_of(ask.peer));
  const LinkId link = stage_.control.open_link(abi::LinkRole::kAnswered, 0, opening, tls.get());
  answer.link = link.value;
  auto connection = std::make_shared<AnsweredConnection>(
      stage_, AnsweredConnection::Identity{.cookie = ask.socket,
                                           .peer = address_of(ask.peer),
                                           .name = peer,
                                           .link = link,
                                           .context = context,
                                           .recorded = recorded,
                                           .tls = tls});
  awaited_[address_text(ask.actual_local)] = connection;
  by_cookie_[ask.socket] = connection.get();
  connections_.push_back(std::move(connection));
  return answer;
}

// How the peer of a connection speaks TLS. One whose own handshake told no certificates, as a
// resumed session may, is like the others of its peer.
std::shared_ptr<const RecordedTls> Responder::tls_of(const RecordedConnection* recorded,
                                                     const event::Address& peer) const {
  std::shared_ptr<const RecordedTls> tls = recorded == nullptr ? nullptr : recorded->tls;
  if (tls != nullptr && (tls->failed || !tls->certificates.empty())) return tls;
  if (recorded != nullptr && tls == nullptr && !recorded->transactions.empty()) return nullptr;
  for (const auto& [id, connection] : stage_.plan.connections) {
    if (connection.tls == nullptr || connection.peer.text != peer.text) continue;
    if (connection.direction != event::Direction::kOutbound || connection.tls->failed) continue;
    if (tls == nullptr || tls->certificates.empty()) tls = connection.tls;
  }
  return tls;
}

std::optional<abi::AnswerPassed> Responder::passed(abi::Cookie socket) const {
  const auto known = by_cookie_.find(socket);
  if (known == by_cookie_.end()) return std::nullopt;
  const AnsweredConnection::Identity& identity = known->second->identity();
  abi::AnswerPassed answer{};
  answer.link = identity.link.value;
  answer.in_offset = known->second->consumed();
  answer.peer = to_abi(identity.peer);
  if (identity.recorded != nullptr) answer.local = to_abi(identity.recorded->local);
  return answer;
}

// Learns the collector's name for a connection that was asked about by its socket.
void Responder::bind(event::ConnectionId id) {
  const event::Connection* connection = stage_.service.connection(id);
  if (connection == nullptr) return;
  const auto known = by_cookie_.find(connection->socket);
  if (known == by_cookie_.end() || known->second->id()) return;
  known->second->bind(id);
  by_id_[id] = known->second;
}

void Responder::on_event(const event::Event& event) {
  const auto find = [this](event::ConnectionId id) -> AnsweredConnection* {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  };
  if (const auto* connected = std::get_if<event::Connected>(&event.fact)) {
    bind(connected->connection);
  } else if (const auto* sent = std::get_if<event::SendIntended>(&event.fact)) {
    if (auto* connection = find(sent->connection)) connection->on_sent(*sent, event.context);
  } else if (const auto* finished = std::get_if<event::SendFinished>(&event.fact)) {
    if (auto* connection = find(finished->connection)) connection->on_sent(*finished);
  } else if (const auto* received = std::get_if<event::BytesReceived>(&event.fact)) {
    if (auto* connection = find(received->connection)) connection->on_received(*received);
  } else if (const auto* closed = std::get_if<event::Closed>(&event.fact)) {
    if (auto* connection = find(closed->connection)) connection->on_closed();
  }
}

AnsweredConnection* Responder::most_urgent(bool forced) {
  AnsweredConnection* urgent = nullptr;
  Moment due = kNever;
  for (const auto& connection : connections_) {
    const Output* output = connection->next(forced);
    if (output != nullptr && (urgent == nullptr || output->due < due)) {
      urgent = connection.get();
      due = output->due;
    }
  }
  return urgent;
}

std::optional<Moment> Responder::next_due(bool forced) {
  const AnsweredConnection* urgent = most_urgent(forced);
  return urgent == nullptr ? std::nullopt : std::optional(urgent->next(forced)->due);
}

event::ThreadId Responder::next_reader() {
  const AnsweredConnection* urgent = most_urgent(false);
  if (urgent == nullptr || urgent->next(false)->kind != Output::Kind::kBytes) return {};
  return stage_.plan.inputs.chunks[urgent->next(false)->chunk].reader;
}

void Responder::release(Moment limit, bool forced) {
  if (AnsweredConnection* urgent = most_urgent(forced)) urgent->release(limit);
}

bool Responder::unread() const {
  return std::ranges::any_of(connections_, [](const auto& c) { return c->unread(); });
}

bool Responder::undelivered() const {
  return std::ranges::any_of(connections_, [](const auto& c) { return c->undelivered(); });
}

bool Responder::in_flight() const {
  return std::ranges::any_of(connections_, [](const auto& c) { return c->in_flight(); });
}

bool Responder::owes() const {
  return std::ranges::any_of(connections_, [](const auto& connection) {
    const Output* output = connection->next(true);
    return connection->mid_request() || (output != nullptr && !output->idle);
  });
}

void Responder::sweep() {
  std::erase_if(connections_, [this](const std::shared_ptr<AnsweredConnection>& connection) {
    if (!connection->over()) return false;
    const auto known = by_cookie_.find(connection->identity().cookie);
    if (known != by_cookie_.end() && known->second == connection.get()) by_cookie_.erase(known);
    by_id_.erase(connection->id());
    std::erase_if(awaited_, [&](const auto& entry) { return entry.second == connection; });
    stage_.control.close_link(connection->identity().link);
    return true;
  });
}

}  // namespace reprise::replayer
