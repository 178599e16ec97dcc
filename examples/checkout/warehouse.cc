#include "examples/checkout/warehouse.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

namespace checkout {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

// `address` is an AF_INET or AF_INET6 one: the resolver was asked for nothing else.
std::string NumericAddress(const addrinfo& address) {
  const void* const bytes =
      address.ai_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(address.ai_addr)->sin_addr)
          : &reinterpret_cast<sockaddr_in6*>(address.ai_addr)->sin6_addr;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.ai_family, bytes, text.data(), text.size());
  return text.data();
}

}  // namespace

Result<std::string> FindWarehouse(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return tl::unexpected(Failure{FailureKind::kDependencyUnavailable,
                                  fmt::format("warehouse '{}': {}", host, gai_strerror(error))});
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  return NumericAddress(*addresses);
}

}  // namespace checkout
