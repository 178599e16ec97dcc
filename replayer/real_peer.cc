#include "replayer/real_peer.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace reprise::replayer {
namespace {

// Real time without a byte after which a peer is given up.
constexpr timeval kPatience{30, 0};
constexpr std::size_t kReceiveBytes = 64 * 1024;

}  // namespace

RealPeer::~RealPeer() { close(); }

void RealPeer::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  tls_.reset();
}

std::string RealPeer::cannot(const char* what) const {
  return std::string("cannot ") + what + " " + address_.text + ": " + std::strerror(errno);
}

tl::expected<void, std::string> RealPeer::connect() {
  const auto* address = reinterpret_cast<const sockaddr*>(address_.raw.data());
  if (address_.raw.size() < sizeof(sa_family_t)) {
    return tl::unexpected(std::string("cannot reach the peer: its address is not known"));
  }
  socket_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return tl::unexpected(cannot("make a socket for"));
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  tl::expected<void, std::string> connected;
  if (::connect(socket_, address, static_cast<socklen_t>(address_.raw.size())) != 0) {
    connected = tl::unexpected(cannot("connect to"));
  } else if (setting_) {
    connected = shake_hands();
  }
  if (!connected) close();
  return connected;
}

tl::expected<void, std::string> RealPeer::shake_hands() {
  tls_.emplace(tls::TlsEndpoint::Role::kClient, *setting_);
  while (!tls_->established()) {
    if (auto sent = send(tls_->take_ciphertext()); !sent) return sent;
    const auto received = receive();
    if (!received) return tl::unexpected(received.error());
    if (received->empty() || tls_->failed()) {
      return tl::unexpected("no TLS handshake with " + address_.text);
    }
    (void)tls_->receive(*received);
  }
  return send(tls_->take_ciphertext());
}

tl::expected<void, std::string> RealPeer::send(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return tl::unexpected(cannot("send to"));
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

tl::expected<event::Bytes, std::string> RealPeer::receive() {
  event::Bytes bytes(kReceiveBytes);
  const ssize_t received = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (received < 0) return tl::unexpected(cannot("receive from"));
  bytes.resize(static_cast<std::size_t>(received));
  return bytes;
}

tl::expected<bool, std::string> RealPeer::ask(std::span<const std::uint8_t> request,
                                              const Take& take) {
  if (socket_ < 0) {
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
  }
  event::Bytes ciphertext;
  if (tls_) {
    tls_->send(request);
    ciphertext = tls_->take_ciphertext();
  }
  if (auto sent = send(tls_ ? std::span<const std::uint8_t>(ciphertext) : request); !sent) {
    return tl::unexpected(sent.error());
  }
  for (;;) {
    auto received = receive();
    if (!received) return tl::unexpected(received.error());
    const bool ended = received->empty();
    const event::Bytes bytes = tls_ ? tls_->receive(*received) : *std::move(received);
    if (!bytes.empty() && take(bytes)) return true;
    if (ended || (tls_ && (tls_->failed() || tls_->peer_closed()))) {
      close();
      return false;
    }
  }
}

}  // namespace reprise::replayer
