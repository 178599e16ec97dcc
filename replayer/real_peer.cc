#include "replayer/real_peer.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace reprise::replayer {
namespace {

// Real time without a byte after which a peer is given up.
constexpr timeval kPatience{30, 0};

}  // namespace

RealPeer::~RealPeer() { close(); }

void RealPeer::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
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
  if (::connect(socket_, address, static_cast<socklen_t>(address_.raw.size())) == 0) return {};
  auto error = tl::unexpected(cannot("connect to"));
  close();
  return error;
}

tl::expected<bool, std::string> RealPeer::ask(std::span<const std::uint8_t> request,
                                              const Take& take) {
  if (socket_ < 0) {
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
  }
  while (!request.empty()) {
    const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) return tl::unexpected(cannot("send to"));
    request = request.subspan(static_cast<std::size_t>(sent));
  }
  std::array<std::uint8_t, 64 * 1024> buffer;
  for (;;) {
    const ssize_t received = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (received < 0) return tl::unexpected(cannot("receive from"));
    if (received == 0) {
      close();
      return false;
    }
    if (take(std::span(buffer).first(static_cast<std::size_t>(received)))) return true;
  }
}

}  // namespace reprise::replayer
