#include "replayer/driven_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

using boost::asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr std::size_t kReceiveBytes = 64 * 1024;
// Sent at once, at most.
constexpr std::uint64_t kSendBytes = 256 * 1024;

// "http://127.0.0.1:80" of where the service listens; any-addresses are reached through loopback.
std::string url_of(const abi::SocketAddress& service) {
  const char* host = family_of(service) == AF_INET6 ? "[::1]" : "127.0.0.1";
  return std::string("http://") + host + ":" + std::to_string(port_of(service));
}

}  // namespace

DrivenConnection::DrivenConnection(boost::asio::io_context& io, Stage& stage,
                                   const RecordedConnection& recorded, LinkId link,
                                   AnswerWatch::OnAnswered on_answered)
    : stage_(stage),
      recorded_(recorded),
      link_(link),
      answers_(stage.plan, recorded, std::move(on_answered)),
      readiness_(io) {}

DrivenConnection::~DrivenConnection() { close(); }

curl_socket_t DrivenConnection::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  auto* connection = static_cast<DrivenConnection*>(self);
  connection->address_ = bind_for_client(socket, address->family);
  return socket;
}

int DrivenConnection::keep_socket(void*, curl_socket_t, curlsocktype) { return CURL_SOCKOPT_OK; }

tl::expected<void, Error> DrivenConnection::open(const abi::SocketAddress& service) {
  curl_ = ::curl_easy_init();
  const std::string url = url_of(service);
  ::curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  if (family_of(service) == AF_UNIX) {
    ::curl_easy_setopt(curl_, CURLOPT_UNIX_SOCKET_PATH, unix_path(service).c_str());
  }
  ::curl_easy_setopt(curl_, CURLOPT_CONNECT_ONLY, 1L);
  ::curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl_, CURLOPT_PROXY, "");  // whatever the environment says
  ::curl_easy_setopt(curl_, CURLOPT_TCP_NODELAY, 1L);
  ::curl_easy_setopt(curl_, CURLOPT_OPENSOCKETFUNCTION, &DrivenConnection::open_socket);
  ::curl_easy_setopt(curl_, CURLOPT_OPENSOCKETDATA, this);
  ::curl_easy_setopt(curl_, CURLOPT_SOCKOPTFUNCTION, &DrivenConnection::keep_socket);
  // The kernel completes a connect to a listening socket of this machine by itself; only a full
  // queue makes it wait.
  ::curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  const CURLcode connected = ::curl_easy_perform(curl_);
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (connected == CURLE_OK) ::curl_easy_getinfo(curl_, CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD || address_.empty()) {
    dead_ = answers_ended_ = true;
    return tl::unexpected(Error{Error::Kind::kEnvironment, "cannot connect to the service at " +
                                                               address_text(service) + ": " +
                                                               ::curl_easy_strerror(connected)});
  }
  socket_ = socket;
  buffer_.resize(kReceiveBytes);
  readiness_.assign(socket_);
  begin_tls();
  wait_for_answers();
  return {};
}

// --- TLS ---------------------------------------------------------------------------------------

bool DrivenConnection::negotiating() const {
  const RecordedTls* recorded = recorded_.tls.get();
  if (dead_ || recorded == nullptr || recorded->failed || sent_ < recorded->in_offset) return false;
  return !tls_ || (!tls_->established() && !tls_->failed());
}

// Where the recorded client did: at once, or after the service agreed to it (STARTTLS).
void DrivenConnection::begin_tls() {
  if (tls_ || !negotiating() || received_ < recorded_.tls->out_offset) return;
  // A client that had a certificate has one like it.
  tls::Setting setting{.version = recorded_.tls->version,
                       .server_name = recorded_.tls->server_name,
                       .protocol = recorded_.tls->protocol};
  if (!recorded_.tls->certificates.empty()) {
    setting.identity = stage_.identities.of(recorded_.tls->certificates, "");
  }
  tls_.emplace(tls::TlsEndpoint::Role::kClient, setting);
  write(tls_->take_ciphertext());
}

void DrivenConnection::take_ciphertext(std::span<const std::uint8_t> bytes) {
  const event::Bytes plaintext = tls_->receive(bytes);
  write(tls_->take_ciphertext());
  if (!plaintext.empty()) take(plaintext);
  if (dead_) return;
  if (tls_->failed()) {
    end_answers(protocol::End::kReset);
  } else if (tls_->peer_closed() && !answers_ended_) {
    end_answers(protocol::End::kEof);
  }
}

void DrivenConnection::take(std::span<const std::uint8_t> bytes) {
  received_ += bytes.size();
  answers_.received(bytes);
  if (!dead_) begin_tls();
}

// --- Sending -----------------------------------------------------------------------------------

void DrivenConnection::send(const Chunk& chunk, const event::Context& context,
                            std::uint32_t flags) {
  chunk_ = &chunk;
  rest_ = chunk.bytes;
  context_ = context;
  flags_ = flags;
  send_more();
}

void DrivenConnection::send_more() {
  if (dead_ || rest_.empty()) return;
  std::uint64_t marked = publish();
  // Nobody reads a connection whose ring is full of marks: its draws are not addressed by it then.
  if (marked == rest_.begin) marked = rest_.end;
  const event::ByteRange range{rest_.begin, std::min(marked, rest_.begin + kSendBytes)};
  const event::Bytes bytes = stage_.plan.streams->bytes({recorded_.id, Flow::kReceived}, range);
  rest_.begin = bytes.size() < range.size() ? rest_.end : range.end;
  sent_ += bytes.size();
  answers_.sent(bytes);
  send_bytes(bytes);
  begin_tls();
}

// Publishes marks for what is left of the chunk; returns up to where they reach.
std::uint64_t DrivenConnection::publish() {
  const std::int64_t shift = stage_.clock.shift(context_).count();
  for (const Anchor& anchor : stage_.plan.inputs.anchors_of(*chunk_)) {
    if (anchor.offset < rest_.begin) continue;
    const bool first = anchor.offset == chunk_->bytes.begin;
    if (!first && !stage_.plan.has_draws(anchor.entry)) continue;
    const abi::Mark mark{.offset = sent_ + (anchor.offset - rest_.begin),
                         .entry = anchor.entry,
                         .flags = first ? flags_ : 0,
                         .monotonic_shift_ns = shift,
                         .exchange = context_.exchange.value};
    if (!stage_.control.publish(link_, mark, consumed_)) return anchor.offset;
  }
  return rest_.end;
}

void DrivenConnection::send_bytes(std::span<const std::uint8_t> bytes) {
  if (!tls_) {
    write(bytes);
    return;
  }
  tls_->send(bytes);
  write(tls_->take_ciphertext());
}

void DrivenConnection::write(std::span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  CURLcode result = CURLE_OK;
  while (unsent_.empty() && done < bytes.size() && result == CURLE_OK) {
    std::size_t sent = 0;
    result = ::curl_easy_send(curl_, bytes.data() + done, bytes.size() - done, &sent);
    done += sent;
  }
  if (result != CURLE_OK && result != CURLE_AGAIN) {
    // The service hung up; what it still had to say was or will be read.
    rest_ = {};
    consumed_ = sent_;
    return;
  }
  const bool waiting = !unsent_.empty();
  unsent_.insert(unsent_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(done), bytes.end());
  if (!unsent_.empty() && !waiting) wait_for_room();
}

void DrivenConnection::wait_for_room() {
  readiness_.async_wait(stream_descriptor::wait_write,
                        [self = shared_from_this()](const error_code& error) {
                          if (error || self->dead_) return;
                          const event::Bytes bytes = std::exchange(self->unsent_, {});
                          self->write(bytes);
                        });
}

void DrivenConnection::end(PeerEnd how, std::uint32_t entry, const event::Context& context) {
  if (dead_) return;
  if (entry != abi::kNone) {
    (void)stage_.control.publish(link_,
                                 {.offset = sent_,
                                  .entry = entry,
                                  .flags = 0,
                                  .monotonic_shift_ns = stage_.clock.shift(context).count(),
                                  .exchange = context.exchange.value},
                                 consumed_);
  }
  if (how == PeerEnd::kReset) {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
    return;
  }
  answers_.client_ended(protocol::End::kEof);
  if (tls_ && how != PeerEnd::kTruncated) {
    tls_->close();
    write(tls_->take_ciphertext());
  }
  ::shutdown(socket_, SHUT_WR);
  if (answers_ended_) close();
}

bool DrivenConnection::consumed() const {
  return dead_ || (rest_.empty() && unsent_.empty() && sent_ <= consumed_ && !negotiating());
}

bool DrivenConnection::wants_more() const {
  return !dead_ && !rest_.empty() && unsent_.empty() && sent_ <= consumed_ && !negotiating();
}

bool DrivenConnection::undelivered() const {
  if (dead_) return false;
  if (!accepted_ && !stage_.delivery.established(socket_)) return true;
  const std::uint64_t given = sent_ - std::min<std::uint64_t>(sent_, unsent_.size());
  return unread() && !stage_.delivery.arrived(socket_, given - std::min(given, consumed_), false);
}

bool DrivenConnection::in_flight() const {
  if (answers_ended_) return false;
  if (sent_by_service_ > received_) return true;
  pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
  return negotiating() && ::poll(&readable, 1, 0) > 0;
}

void DrivenConnection::on_received(const event::BytesReceived& received) {
  consumed_ = std::max(consumed_, received.offset + received.bytes.size());
}

void DrivenConnection::on_sent(const event::SendFinished& sent) {
  if (sent.result <= 0) return;
  sent_by_service_ =
      std::max(sent_by_service_, sent.offset + static_cast<std::uint64_t>(sent.result));
}

// --- Receiving ---------------------------------------------------------------------------------

void DrivenConnection::wait_for_answers() {
  readiness_.async_wait(stream_descriptor::wait_read,
                        [self = shared_from_this()](const error_code& error) {
                          if (!error && !self->dead_) self->receive();
                        });
}

void DrivenConnection::receive() {
  for (;;) {
    std::size_t received = 0;
    const CURLcode result = ::curl_easy_recv(curl_, buffer_.data(), buffer_.size(), &received);
    if (result == CURLE_AGAIN) {
      wait_for_answers();
      return;
    }
    if (result != CURLE_OK || received == 0) {
      end_answers(result == CURLE_OK ? protocol::End::kEof : protocol::End::kReset);
      return;
    }
    acknowledge(socket_);
    const std::span bytes = std::span(buffer_).first(received);
    if (tls_) {
      take_ciphertext(bytes);
    } else {
      take(bytes);
    }
    if (dead_ || answers_ended_) return;
  }
}

void DrivenConnection::end_answers(protocol::End how) {
  answers_ended_ = true;
  answers_.service_ended(how);
  // A recorded client that closed later than the service did, or was never seen to, has nothing
  // more to do; one that has more to say finds out by itself.
  const ConnectionInputs& inputs = stage_.plan.inputs.of(recorded_.id);
  if (how == protocol::End::kReset || inputs.end == PeerEnd::kNone) close();
}

void DrivenConnection::close() {
  if (std::exchange(dead_, true)) return;
  answers_ended_ = true;
  if (readiness_.is_open()) readiness_.release();  // deregistered; libcurl closes the socket
  if (curl_ != nullptr) ::curl_easy_cleanup(std::exchange(curl_, nullptr));
}

}  // namespace reprise::replayer
