#include "agent/world/substitute/loopback.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "agent/system_call.h"
#include "agent/world/substitute/token_call.h"

namespace reprise::agent {
namespace {

constexpr std::size_t kLongestName = 19;  // "/s-" and 16 digits
constexpr std::size_t kLongestDirectory = sizeof(sockaddr_un{}.sun_path) - kLongestName;
// Of a session whose directory is too deep for a socket, they lie in /tmp, under names of its own.
constinit char session_directory[kLongestDirectory] = "/tmp";
constinit std::uint64_t session_hash = 0;

constexpr in6_addr kMappedLoopback = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}};

template <typename Sockaddr>
abi::SocketAddress as_address(const Sockaddr& address, std::size_t length = sizeof(Sockaddr)) {
  abi::SocketAddress result = {};
  result.length = static_cast<std::uint16_t>(length);
  std::memcpy(result.bytes, &address, length);
  return result;
}

template <typename Sockaddr>
Sockaddr as_sockaddr(const abi::SocketAddress& address) {
  Sockaddr result = {};
  std::memcpy(&result, address.bytes,
              address.length < sizeof result ? address.length : sizeof result);
  return result;
}

std::uint64_t hash_of(const std::uint8_t* bytes, std::size_t length, std::uint64_t seed) {
  std::uint64_t hash = 14695981039346656037u ^ seed;  // FNV-1a, 64 bit
  for (std::size_t i = 0; i < length; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

void append_hex(char* end, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) *end++ = "0123456789abcdef"[value >> shift & 15];
  *end = '\0';
}

}  // namespace

void set_session_directory(const char* control_path) {
  const char* slash = std::strrchr(control_path, '/');
  const std::size_t length = slash == nullptr ? 0 : static_cast<std::size_t>(slash - control_path);
  session_hash = hash_of(reinterpret_cast<const std::uint8_t*>(control_path), length, 0);
  if (length == 0 || length >= kLongestDirectory) return;
  std::memcpy(session_directory, control_path, length);
  session_directory[length] = '\0';
}

int family_of(const abi::SocketAddress& address) {
  sa_family_t family = AF_UNSPEC;
  if (address.length >= sizeof family) std::memcpy(&family, address.bytes, sizeof family);
  return family;
}

bool is_internet(int family) { return family == AF_INET || family == AF_INET6; }

bool is_mapped(const abi::SocketAddress& address) {
  if (family_of(address) != AF_INET6) return false;
  const auto in6 = as_sockaddr<sockaddr_in6>(address);
  return IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
}

abi::SocketAddress mapped_loopback() {
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = kMappedLoopback;
  return as_address(in6);
}

abi::SocketAddress loopback_like(const abi::SocketAddress& like) {
  if (is_mapped(like)) return mapped_loopback();
  if (family_of(like) == AF_INET6) {
    sockaddr_in6 in6 = {};
    in6.sin6_family = AF_INET6;
    in6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    return as_address(in6);
  }
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return as_address(in);
}

abi::SocketAddress session_place_of(const abi::SocketAddress& path) {
  constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (path.length <= kPathOffset) return path;
  std::size_t length = path.length - kPathOffset;
  // A file's name ends at its first zero byte, an abstract one (which starts with it) at the
  // length.
  if (path.bytes[kPathOffset] != 0) {
    length = strnlen(reinterpret_cast<const char*>(path.bytes) + kPathOffset, length);
  }
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  const std::size_t directory = std::strlen(session_directory);
  std::memcpy(un.sun_path, session_directory, directory);
  std::memcpy(un.sun_path + directory, "/s-", 3);
  append_hex(un.sun_path + directory + 3, hash_of(path.bytes + kPathOffset, length, session_hash));
  return as_address(un, kPathOffset + std::strlen(un.sun_path) + 1);
}

bool find_session_place(const char* path, SessionPlace& place) {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  const std::size_t length = strnlen(path, sizeof un.sun_path);
  if (length == 0 || length == sizeof un.sun_path) return false;
  std::memcpy(un.sun_path, path, length);
  const abi::SocketAddress there =
      session_place_of(as_address(un, offsetof(sockaddr_un, sun_path) + length + 1));
  std::memcpy(place.path, there.bytes + offsetof(sockaddr_un, sun_path),
              there.length - offsetof(sockaddr_un, sun_path));
  return !failed(system_call(SYS_access, address_of(place.path), F_OK));
}

abi::SocketAddress unnamed() {
  const sa_family_t family = AF_UNIX;
  return as_address(family);
}

bool is_autobound(const abi::SocketAddress& address) {
  constexpr std::size_t kDigits = 5;
  return family_of(address) == AF_UNIX &&
         address.length == offsetof(sockaddr_un, sun_path) + 1 + kDigits &&
         address.bytes[offsetof(sockaddr_un, sun_path)] == 0;
}

abi::SocketAddress in_family(const abi::SocketAddress& address, int family) {
  if (family != AF_INET6 || family_of(address) != AF_INET) return address;
  const auto in = as_sockaddr<sockaddr_in>(address);
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = in.sin_port;
  in6.sin6_addr = kMappedLoopback;
  std::memcpy(in6.sin6_addr.s6_addr + 12, &in.sin_addr, 4);
  return as_address(in6);
}

long bind_to_loopback(int fd, const abi::SocketAddress& like) {
  const abi::SocketAddress loopback = loopback_like(like);
  const long result = token_call(SYS_bind, fd, loopback.bytes, loopback.length);
  if (result != -EADDRNOTAVAIL || family_of(like) != AF_INET6) return result;
  const abi::SocketAddress mapped = mapped_loopback();
  return token_call(SYS_bind, fd, mapped.bytes, mapped.length);
}

}  // namespace reprise::agent
