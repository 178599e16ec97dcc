#include "agent/world/substitute/address_list.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <cstring>

namespace reprise::agent {
namespace {

// A way to use an address: what getaddrinfo(3) multiplies the addresses by.
struct Transport {
  int type;
  int protocol;
  const char* name;  // as in the services database, null where it has none
};
constexpr Transport kTransports[] = {
    {SOCK_STREAM, IPPROTO_TCP, "tcp"}, {SOCK_DGRAM, IPPROTO_UDP, "udp"}, {SOCK_RAW, 0, nullptr}};

bool is_wanted(const Transport& transport, const addrinfo& hints) {
  if (hints.ai_socktype != 0 && hints.ai_socktype != transport.type) return false;
  return hints.ai_protocol == 0 || transport.protocol == 0 ||
         hints.ai_protocol == transport.protocol;
}

// The port of `service` in host order; -1 when this transport has none of that name.
int port_of(const char* service, const Transport& transport, const addrinfo& hints) {
  if (service == nullptr || *service == '\0') return 0;
  char* end = nullptr;
  const unsigned long number = strtoul(service, &end, 10);
  if (*end == '\0') return static_cast<int>(number & 0xffff);
  if ((hints.ai_flags & AI_NUMERICSERV) != 0 || transport.name == nullptr) return -1;
  servent entry = {};
  servent* found = nullptr;
  char buffer[1024];
  if (getservbyname_r(service, transport.name, &entry, buffer, sizeof buffer, &found) != 0 ||
      found == nullptr) {
    return -1;
  }
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

// Addresses of both families, port 0.
struct Numeric {
  bool has_ipv4 = false;
  bool has_ipv6 = false;
  sockaddr_in ipv4 = {};
  sockaddr_in6 ipv6 = {};
};

std::uint32_t scope_of(const char* name) {
  char* end = nullptr;
  const unsigned long number = strtoul(name, &end, 10);
  return *end == '\0' ? static_cast<std::uint32_t>(number) : if_nametoindex(name);
}

// "fe80::1%eth0" as well.
bool parse_ipv6(const char* node, sockaddr_in6& address) {
  char text[INET6_ADDRSTRLEN];
  const char* percent = std::strchr(node, '%');
  const std::size_t length =
      percent == nullptr ? std::strlen(node) : static_cast<std::size_t>(percent - node);
  if (length >= sizeof text) return false;
  std::memcpy(text, node, length);
  text[length] = '\0';
  if (inet_pton(AF_INET6, text, &address.sin6_addr) != 1) return false;
  if (percent != nullptr) address.sin6_scope_id = scope_of(percent + 1);
  return true;
}

bool parse(const char* node, const addrinfo& hints, Numeric& numeric) {
  numeric.ipv4.sin_family = AF_INET;
  numeric.ipv6.sin6_family = AF_INET6;
  if (node == nullptr) {
    const bool passive = (hints.ai_flags & AI_PASSIVE) != 0;
    numeric.ipv4.sin_addr.s_addr = htonl(passive ? INADDR_ANY : INADDR_LOOPBACK);
    numeric.ipv6.sin6_addr = passive ? in6addr_any : in6addr_loopback;
    numeric.has_ipv4 = hints.ai_family != AF_INET6;
    numeric.has_ipv6 = hints.ai_family != AF_INET;
    return true;
  }
  if (inet_aton(node, &numeric.ipv4.sin_addr) != 0) {
    numeric.has_ipv4 = hints.ai_family != AF_INET6;
    if (hints.ai_family == AF_INET6 && (hints.ai_flags & AI_V4MAPPED) != 0) {
      numeric.ipv6.sin6_addr.s6_addr[10] = numeric.ipv6.sin6_addr.s6_addr[11] = 0xff;
      std::memcpy(numeric.ipv6.sin6_addr.s6_addr + 12, &numeric.ipv4.sin_addr, 4);
      numeric.has_ipv6 = true;
    }
    return true;
  }
  if (!parse_ipv6(node, numeric.ipv6)) return false;
  numeric.has_ipv6 = hints.ai_family != AF_INET;
  return true;
}

template <typename Sockaddr>
abi::SocketAddress with_port(Sockaddr address, in_port_t Sockaddr::*port, int value) {
  address.*port = htons(static_cast<std::uint16_t>(value));
  abi::SocketAddress result = {};
  result.length = sizeof address;
  std::memcpy(result.bytes, &address, sizeof address);
  return result;
}

bool add_both(const Numeric& numeric, const Transport& transport, int port, const addrinfo& hints,
              AddressList& list) {
  const int protocol = transport.protocol != 0 ? transport.protocol : hints.ai_protocol;
  const int flags = hints.ai_flags;
  if (numeric.has_ipv4 && !list.add(flags, AF_INET, transport.type, protocol,
                                    with_port(numeric.ipv4, &sockaddr_in::sin_port, port))) {
    return false;
  }
  return !numeric.has_ipv6 || list.add(flags, AF_INET6, transport.type, protocol,
                                       with_port(numeric.ipv6, &sockaddr_in6::sin6_port, port));
}

}  // namespace

AddressList::~AddressList() {
  while (first_ != nullptr) {
    addrinfo* next = first_->ai_next;
    free(first_->ai_canonname);
    free(first_);
    first_ = next;
  }
}

bool AddressList::add(int flags, int family, int type, int protocol,
                      const abi::SocketAddress& address) {
  void* block = malloc(sizeof(addrinfo) + address.length);
  if (block == nullptr) return false;
  auto* element = static_cast<addrinfo*>(block);
  *element = {};
  element->ai_flags = flags;
  element->ai_family = family;
  element->ai_socktype = type;
  element->ai_protocol = protocol;
  element->ai_addrlen = address.length;
  element->ai_addr = reinterpret_cast<sockaddr*>(element + 1);
  std::memcpy(element->ai_addr, address.bytes, address.length);
  (first_ == nullptr ? first_ : last_->ai_next) = element;
  last_ = element;
  return true;
}

bool AddressList::set_canonical_name(const char* name) {
  if (first_ == nullptr) return false;
  first_->ai_canonname = strdup(name);
  return first_->ai_canonname != nullptr;
}

addrinfo* AddressList::take() {
  addrinfo* taken = first_;
  first_ = last_ = nullptr;
  return taken;
}

int list_numeric(const char* node, const char* service, const addrinfo& hints, AddressList& list) {
  if (hints.ai_family != AF_UNSPEC && hints.ai_family != AF_INET && hints.ai_family != AF_INET6) {
    return EAI_FAMILY;
  }
  Numeric numeric;
  if (!parse(node, hints, numeric)) return EAI_NONAME;
  if (!numeric.has_ipv4 && !numeric.has_ipv6) return EAI_ADDRFAMILY;
  bool known_service = false;
  for (const Transport& transport : kTransports) {
    if (!is_wanted(transport, hints)) continue;
    const int port = port_of(service, transport, hints);
    if (port < 0) continue;
    known_service = true;
    if (!add_both(numeric, transport, port, hints, list)) return EAI_MEMORY;
  }
  if (!known_service) return (hints.ai_flags & AI_NUMERICSERV) != 0 ? EAI_NONAME : EAI_SERVICE;
  if ((hints.ai_flags & AI_CANONNAME) != 0 && node != nullptr && !list.set_canonical_name(node)) {
    return EAI_MEMORY;
  }
  return 0;
}

}  // namespace reprise::agent
