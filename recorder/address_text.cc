#include "recorder/address_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace reprise::recorder {
namespace {

int family_of(std::span<const std::uint8_t> sockaddr) {
  sa_family_t family = AF_UNSPEC;
  if (sockaddr.size() < sizeof family) return AF_UNSPEC;
  std::memcpy(&family, sockaddr.data(), sizeof family);
  return family;
}

template <typename Sockaddr>
bool read(std::span<const std::uint8_t> bytes, Sockaddr& address) {
  if (bytes.size() < sizeof address) return false;
  std::memcpy(&address, bytes.data(), sizeof address);
  return true;
}

std::string unix_text(std::span<const std::uint8_t> bytes) {
  const auto path = bytes.subspan(std::min(bytes.size(), offsetof(sockaddr_un, sun_path)));
  std::string text(path.begin(), path.end());
  if (!text.empty() && text[0] == '\0') {
    // What only the SDK's words make has a name and no place.
    const std::string_view name = std::string_view(text).substr(1);
    if (name.starts_with(abi::kSpokenPrefix)) {
      return std::string(name.substr(std::string_view(abi::kSpokenPrefix).size()));
    }
    text[0] = '@';
    return "unix:" + text;
  }
  return "unix:" + text.substr(0, std::min(text.size(), text.find('\0')));
}

}  // namespace

std::string host_text(std::span<const std::uint8_t> bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  switch (family_of(bytes)) {
    case AF_INET:
      if (!read(bytes, v4)) return "";
      return ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    case AF_INET6:
      if (!read(bytes, v6)) return "";
      if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        return ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
      }
      return ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    case AF_UNIX:
      return unix_text(bytes);
    default:
      return "";
  }
}

std::uint16_t port_of(std::span<const std::uint8_t> bytes) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const int family = family_of(bytes);
  if (family == AF_INET && read(bytes, v4)) return ntohs(v4.sin_port);
  if (family == AF_INET6 && read(bytes, v6)) return ntohs(v6.sin6_port);
  return 0;
}

bool is_unix(std::span<const std::uint8_t> bytes) { return family_of(bytes) == AF_UNIX; }

std::string address_text(std::span<const std::uint8_t> bytes) {
  const std::string host = host_text(bytes);
  if (host.empty() || is_unix(bytes)) return host;
  const std::string port = ":" + std::to_string(port_of(bytes));
  return host.find(':') == std::string::npos ? host + port : "[" + host + "]" + port;
}

std::span<const std::uint8_t> raw_bytes(const abi::SocketAddress& address) {
  return {address.bytes, std::min<std::size_t>(address.length, sizeof address.bytes)};
}

event::Address to_address(const abi::SocketAddress& address) {
  const auto raw = raw_bytes(address);
  return {address_text(raw), event::Bytes(raw.begin(), raw.end())};
}

}  // namespace reprise::recorder
