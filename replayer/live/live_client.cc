#include "replayer/live/live_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

// How much longer than in the recording a response is waited for.
constexpr std::chrono::seconds kPatience{10};

constexpr std::uint64_t kHosts = 200;

abi::SocketAddress loopback(int family, std::uint16_t port) {
  namespace ip = boost::asio::ip;
  return family == AF_INET6 ? to_abi(ip::address_v6::loopback(), port)
                            : to_abi(ip::address_v4::loopback(), port);
}

}  // namespace

LiveClient::LiveClient(Setting& setting, const Course& course, std::uint64_t number)
    : setting_(setting),
      course_(course),
      number_(number),
      answers_(setting.plan, *course.connection, setting.notes_of(*course.connection),
               [this](std::uint32_t transaction) { on_answered(transaction); }) {}

LiveClient::~LiveClient() { close(); }

const Step* LiveClient::next() const {
  return next_ < course_.steps.size() ? &course_.steps[next_] : nullptr;
}

bool LiveClient::may_step() const { return next() != nullptr && answered_ >= next()->needs; }

const RecordedExchange& LiveClient::exchange(std::uint32_t transaction) const {
  return setting_.plan.exchanges[course_.connection->transactions[transaction]];
}

void LiveClient::take_step(Instant now, Instant from) {
  const Step& step = course_.steps[next_++];
  switch (step.kind) {
    case Step::Kind::kOpen:
      open(now);
      break;
    case Step::Kind::kChunk:
      send_chunk(step, now);
      break;
    case Step::Kind::kEnd:
      end();
      return;
  }
  expect(step, from);
}

// --- Sending -----------------------------------------------------------------------------------

void LiveClient::open(Instant now) {
  const RecordedConnection& recorded = *course_.connection;
  const auto target = setting_.entrance.target(recorded);
  const int family = target ? family_of(*target) : AF_INET;
  socket_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // Short connections leave their ports behind in TIME_WAIT: one address alone would run out of
  // them.
  address_ = bind_for_client(socket_, family, static_cast<std::uint8_t>(1 + number_ % kHosts));
  if (!target || address_.empty()) {
    connect_failed_ = true;
    give_up("cannot connect to the service");
    return;
  }
  shift_ = setting_.time.at(now) - recorded.opened;
  link_ = setting_.entrance.enter(recorded, address_, shift_);
  // Any-addresses are reached through loopback.
  const abi::SocketAddress service =
      family == AF_UNIX ? *target : loopback(family, port_of(*target));
  const auto* address = reinterpret_cast<const sockaddr*>(service.bytes);
  if (::connect(socket_, address, service.length) != 0 && errno != EINPROGRESS) {
    connect_failed_ = true;
    give_up("cannot connect to the service");
    return;
  }
  watch();
  begin_tls();
}

// Says which tape entries the chunk is, where somebody asks.
void LiveClient::mark(const Chunk& chunk) {
  if (!link_) return;
  for (const Anchor& anchor : setting_.plan.inputs.anchors_of(chunk)) {
    const bool first = anchor.offset == chunk.bytes.begin;
    if (!first && !setting_.plan.has_draws(anchor.entry)) continue;
    if (!mark(sent_ + (anchor.offset - chunk.bytes.begin), anchor.entry)) return;
  }
}

bool LiveClient::mark(std::uint64_t offset, std::uint32_t entry) {
  const abi::Mark mark{.offset = offset,
                       .entry = entry,
                       .flags = 0,
                       .monotonic_shift_ns = shift_.count(),
                       .exchange = current_ == nullptr ? 0 : current_->id.value};
  return setting_.entrance.mark(link_, mark, consumed_);
}

void LiveClient::send_chunk(const Step& step, Instant now) {
  if (socket_ < 0) return;
  const Chunk& chunk = setting_.plan.inputs.chunks[step.chunk];
  for (std::uint32_t i = 0; i < step.begins; ++i) {
    const RecordedExchange& begun = exchange(step.first_begun + i);
    if (i == 0) {
      current_ = &begun;
      shift_ = setting_.time.at(now) - begun.first_byte_in;
    }
    setting_.entrance.begin(begun, shift_);
  }
  mark(chunk);
  std::uint64_t offset = chunk.bytes.begin;
  const auto pass_on = [this, &offset](std::span<const std::uint8_t> bytes) {
    answers_.sent(offset, bytes);
    offset += bytes.size();
    send(bytes);
  };
  if (step.bytes) {
    pass_on(*step.bytes);
  } else {
    setting_.plan.streams->visit({course_.connection->id, Flow::kReceived}, chunk.bytes, pass_on);
  }
}

// --- TLS ---------------------------------------------------------------------------------------

bool LiveClient::is_encrypted() const {
  const RecordedTls* recorded = course_.connection->tls.get();
  return recorded != nullptr && !recorded->failed && sent_ >= recorded->in_offset;
}

// Where the recorded client did: at once, or after the service agreed to it (STARTTLS).
void LiveClient::begin_tls() {
  if (tls_ || !is_encrypted() || received_ < course_.connection->tls->out_offset) return;
  const RecordedTls& recorded = *course_.connection->tls;
  tls::Setting setting{.version = recorded.version,
                       .server_name = recorded.server_name,
                       .protocol = recorded.protocol};
  // A client that had a certificate has one like it.
  if (!recorded.certificates.empty()) {
    setting.identity = setting_.identities.of(recorded.certificates, "");
  }
  tls_.emplace(tls::TlsEndpoint::Role::kClient, setting);
  tls_->send(std::exchange(waiting_for_tls_, {}));
  write(tls_->take_ciphertext());
}

void LiveClient::send(std::span<const std::uint8_t> bytes) {
  const bool encrypted = is_encrypted();
  sent_ += bytes.size();
  if (!encrypted) {
    write(bytes);
    begin_tls();
  } else if (tls_) {
    tls_->send(bytes);
    write(tls_->take_ciphertext());
  } else {
    waiting_for_tls_.insert(waiting_for_tls_.end(), bytes.begin(), bytes.end());
  }
}

void LiveClient::take(std::span<const std::uint8_t> bytes) {
  received_ += bytes.size();
  answers_.received(bytes);
  begin_tls();
}

// False when the service will say nothing more.
bool LiveClient::take_ciphertext(std::span<const std::uint8_t> bytes) {
  const event::Bytes plaintext = tls_->receive(bytes);
  write(tls_->take_ciphertext());
  if (!plaintext.empty()) take(plaintext);
  if (!tls_->failed() && !tls_->peer_closed()) return true;
  on_end_of_answers(tls_->failed() ? protocol::End::kReset : protocol::End::kEof);
  return false;
}

// --- What was sent -----------------------------------------------------------------------------

// Requests are whole: what was recorded for them is waited for, from now on.
void LiveClient::expect(const Step& step, Instant from) {
  for (std::uint32_t i = 0; i < step.completes; ++i) {
    const std::uint32_t transaction = step.first_completed + i;
    const RecordedExchange& recorded = exchange(transaction);
    if (socket_ < 0 || !recorded.answered()) {
      tell(transaction, "the connection was closed before", from);
      continue;
    }
    const nanoseconds taken = recorded.last_byte_out - recorded.first_byte_in;
    pending_.push_back({transaction, from, from + setting_.time.real(taken) + kPatience});
    ++setting_.in_flight;
  }
}

// Nothing came of that request, or not all of it. Where the recording has no answer that is as it
// should be.
void LiveClient::tell(std::uint32_t transaction, std::string problem, Instant from) {
  const RecordedExchange& recorded = exchange(transaction);
  if (!recorded.answered()) problem.clear();
  setting_.outcomes.push_back({.recorded = &recorded,
                               .answer = answers_.take(transaction),
                               .problem = std::move(problem),
                               .from = from});
}

void LiveClient::write(std::span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  while (unsent_.empty() && done < bytes.size()) {
    const ssize_t sent =
        ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    // What stopped it otherwise is told when the rest of the answers is read.
    if (sent < 0) break;
    done += static_cast<std::size_t>(sent);
  }
  if (done == bytes.size()) return;
  unsent_.insert(unsent_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(done), bytes.end());
  watch();
}

void LiveClient::end() {
  if (socket_ < 0) return;
  const ConnectionInputs& inputs = setting_.plan.inputs.of(course_.connection->id);
  if (link_ && inputs.end_entry != abi::kNone) (void)mark(sent_, inputs.end_entry);
  if (inputs.end == PeerEnd::kReset) {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
    return;
  }
  answers_.client_ended(protocol::End::kEof);
  if (tls_ && inputs.end != PeerEnd::kTruncated) {
    tls_->close();
    write(tls_->take_ciphertext());
  }
  if (pending_.empty()) {
    close();
    return;
  }
  sending_ended_ = true;
  if (unsent_.empty()) ::shutdown(socket_, SHUT_WR);
}

// --- Receiving ---------------------------------------------------------------------------------

void LiveClient::watch() {
  const std::uint32_t wanted = EPOLLIN | (unsent_.empty() ? 0u : EPOLLOUT);
  if (wanted == watched_ || socket_ < 0) return;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = number_;
  ::epoll_ctl(setting_.poll, watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket_, &event);
  watched_ = wanted;
}

void LiveClient::on_ready(std::uint32_t events) {
  if (socket_ < 0) return;
  if ((events & EPOLLOUT) != 0) {
    const event::Bytes bytes = std::exchange(unsent_, {});
    write(bytes);
    watch();
    if (unsent_.empty() && sending_ended_) ::shutdown(socket_, SHUT_WR);
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive();
}

void LiveClient::receive() {
  std::vector<std::uint8_t>& buffer = setting_.buffer;
  for (;;) {
    const ssize_t received = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) {
      connect_failed_ = received < 0 && errno == ECONNREFUSED;
      on_end_of_answers(received == 0 ? protocol::End::kEof : protocol::End::kReset);
      return;
    }
    const auto length = static_cast<std::size_t>(received);
    const std::span bytes = std::span(buffer).first(length);
    if (!tls_) {
      take(bytes);
    } else if (!take_ciphertext(bytes)) {
      return;
    }
    // A buffer that was not filled took all there was; level-triggered readiness tells the rest.
    if (length < buffer.size() || socket_ < 0) return;
  }
}

void LiveClient::on_answered(std::uint32_t transaction) {
  const auto pending = std::ranges::find(pending_, transaction, &Pending::transaction);
  Answer answer = answers_.take(transaction);
  if (pending == pending_.end()) return;  // the recording has none to it
  setting_.outcomes.push_back({.recorded = &exchange(transaction),
                               .answer = std::move(answer),
                               .problem = "",
                               .from = pending->from});
  pending_.erase(pending);
  --setting_.in_flight;
  ++answered_;
  if (pending_.empty()) consumed_ = sent_;
}

void LiveClient::on_end_of_answers(protocol::End how) {
  answers_.service_ended(how);
  const bool refused = connect_failed_;
  give_up(refused ? "cannot connect to the service" : "the service closed the connection");
}

// --- The end -----------------------------------------------------------------------------------

bool LiveClient::is_over() const {
  return pending_.empty() && unsent_.empty() && next() == nullptr;
}

Instant LiveClient::gives_up_at() const {
  return pending_.empty() ? kNoEnd : pending_.front().until;
}

void LiveClient::give_up(const std::string& problem) {
  for (const Pending& pending : std::exchange(pending_, {})) {
    tell(pending.transaction, problem, pending.from);
    --setting_.in_flight;
  }
  for (; next_ < course_.steps.size(); ++next_) {
    const Step& step = course_.steps[next_];
    for (std::uint32_t i = 0; i < step.completes; ++i) {
      tell(step.first_completed + i, problem, Instant{});
    }
  }
  unsent_.clear();
  close();
}

void LiveClient::close() {
  if (socket_ < 0) return;
  ::close(std::exchange(socket_, -1));
  if (!address_.empty()) setting_.entrance.leave(address_, link_);
}

}  // namespace reprise::replayer
