#include "replayer/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

namespace reprise::replayer {
namespace {

// The sockaddr types, zero where `address` is too short for one.
template <typename Sockaddr>
Sockaddr as(const abi::SocketAddress& address) {
  Sockaddr result{};
  if (address.length >= sizeof(result)) std::memcpy(&result, address.bytes, sizeof(result));
  return result;
}

template <typename Sockaddr>
abi::SocketAddress from(const Sockaddr& address) {
  abi::SocketAddress result{};
  result.length = sizeof(address);
  std::memcpy(result.bytes, &address, sizeof(address));
  return result;
}

// Its length says how much of the path there is.
sockaddr_un as_unix(const abi::SocketAddress& address) {
  sockaddr_un result{};
  std::memcpy(&result, address.bytes, std::min<std::size_t>(address.length, sizeof(result)));
  return result;
}

constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);

std::string unix_text(const abi::SocketAddress& address) {
  const std::size_t length = std::min<std::size_t>(address.length, sizeof(address.bytes));
  if (length <= kPath) return "unix:";
  std::string path(reinterpret_cast<const char*>(address.bytes) + kPath, length - kPath);
  if (is_spoken(address)) return path.substr(1 + std::strlen(abi::kSpokenPrefix));
  if (path[0] == '\0') {
    path[0] = '@';
    return "unix:" + path;
  }
  return "unix:" + path.substr(0, path.find('\0'));
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const std::string text = ":" + std::to_string(port);
  return host.find(':') == std::string::npos ? host + text : "[" + host + "]" + text;
}

}  // namespace

int family_of(const abi::SocketAddress& address) {
  sa_family_t family = AF_UNSPEC;
  if (address.length >= sizeof(family)) std::memcpy(&family, address.bytes, sizeof(family));
  return family;
}

bool is_spoken(const abi::SocketAddress& address) {
  constexpr std::size_t kPrefix = sizeof(abi::kSpokenPrefix) - 1;
  return family_of(address) == AF_UNIX && address.length > kPath + 1 + kPrefix &&
         address.length <= sizeof(address.bytes) && address.bytes[kPath] == 0 &&
         std::memcmp(address.bytes + kPath + 1, abi::kSpokenPrefix, kPrefix) == 0;
}

std::uint16_t port_of(const abi::SocketAddress& address) {
  switch (family_of(address)) {
    case AF_INET:
      return ntohs(as<sockaddr_in>(address).sin_port);
    case AF_INET6:
      return ntohs(as<sockaddr_in6>(address).sin6_port);
    default:
      return 0;
  }
}

std::string address_text(const abi::SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = "";
  switch (family_of(address)) {
    case AF_INET: {
      const auto v4 = as<sockaddr_in>(address);
      ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
      return host_and_port(host, port_of(address));
    }
    case AF_INET6: {
      const auto v6 = as<sockaddr_in6>(address);
      // A v4-mapped address names the same peer as the IPv4 one.
      if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, host, sizeof(host));
      } else {
        ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
      }
      return host_and_port(host, port_of(address));
    }
    case AF_UNIX:
      return unix_text(address);
    default:
      return "";
  }
}

event::Address address_of(const abi::SocketAddress& address) {
  const std::size_t length = std::min<std::size_t>(address.length, sizeof(address.bytes));
  return {address_text(address), event::Bytes(address.bytes, address.bytes + length)};
}

abi::SocketAddress to_abi(const event::Address& address) {
  abi::SocketAddress result{};
  const std::size_t length = std::min(address.raw.size(), sizeof(result.bytes));
  result.length = static_cast<std::uint16_t>(length);
  std::copy_n(address.raw.begin(), length, result.bytes);
  return result;
}

abi::SocketAddress name_of(int socket, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (ask(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  abi::SocketAddress address{};
  address.length = static_cast<std::uint16_t>(std::min<std::size_t>(length, sizeof(address.bytes)));
  std::memcpy(address.bytes, &storage, address.length);
  return address;
}

abi::SocketAddress unnamed_unix() {
  const sa_family_t family = AF_UNIX;
  return from(family);
}

abi::SocketAddress any_address(int family, std::uint8_t host) {
  namespace ip = boost::asio::ip;
  if (family == AF_INET6) return to_abi(ip::address_v6::loopback(), 0);
  if (family == AF_INET) return to_abi(ip::address_v4((127u << 24) + host), 0);
  return unnamed_unix();
}

std::string bind_for_client(int socket, int family, std::uint8_t host) {
  const abi::SocketAddress any = any_address(family, host);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(any.bytes), any.length) != 0) return "";
  return address_text(name_of(socket, ::getsockname));
}

abi::SocketAddress unmapped(const abi::SocketAddress& address) {
  const auto v6 = as<sockaddr_in6>(address);
  if (family_of(address) != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return address;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port;
  std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
  return from(v4);
}

std::string unix_path(const abi::SocketAddress& address) {
  const auto un = as_unix(address);
  return std::string(un.sun_path, ::strnlen(un.sun_path, sizeof(un.sun_path)));
}

void acknowledge(int socket) {
  const int at_once = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof(at_once));
}

std::uint16_t port_of(const event::Address& address) { return port_of(to_abi(address)); }

abi::SocketAddress to_abi(const boost::asio::ip::address& address, std::uint16_t port) {
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    const auto bytes = address.to_v4().to_bytes();
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    return from(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const auto bytes = address.to_v6().to_bytes();
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  return from(v6);
}

}  // namespace reprise::replayer
