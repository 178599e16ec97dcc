// Listeners and connections of the probes, on 127.0.0.1 and ports the kernel picks.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "agent/testing/probe.h"

namespace reprise::agent::testing {

struct Listener {
  int fd;
  sockaddr_in address;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline Listener listen_on_loopback() {
  Listener made{socket(AF_INET, SOCK_STREAM, 0), loopback(0)};
  auto* address = reinterpret_cast<sockaddr*>(&made.address);
  socklen_t length = sizeof(made.address);
  PROBE_EXPECT(bind(made.fd, address, length) == 0);
  PROBE_EXPECT(listen(made.fd, 64) == 0);
  PROBE_EXPECT(getsockname(made.fd, address, &length) == 0);
  return made;
}

// A port where nobody listens.
inline sockaddr_in closed_port() {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  PROBE_EXPECT(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  PROBE_EXPECT(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return address;  // fd stays bound, so that nobody else gets the port
}

inline int connect_to(const sockaddr_in& address, int type_flags = 0) {
  const int fd = socket(AF_INET, SOCK_STREAM | type_flags, 0);
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  PROBE_EXPECT(result == 0 || (type_flags != 0 && errno == EINPROGRESS));
  return fd;
}

struct Ends {
  int server;  // accepted
  int client;  // connected
};

inline Ends connected_ends(const Listener& listener) {
  Ends ends{};
  ends.client = connect_to(listener.address);
  ends.server = accept(listener.fd, nullptr, nullptr);
  PROBE_EXPECT(ends.server >= 0);
  return ends;
}

}  // namespace reprise::agent::testing
