// A service that uses sockets in the way its first argument names, and tells what it sees of them.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>

#include "agent/world/substitute/testing/probe.h"

namespace {

struct Address {
  sockaddr_storage storage = {};
  socklen_t length = sizeof storage;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address ipv4(const char* text, int port) {
  Address address;
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, text, &in.sin_addr);
  memcpy(&address.storage, &in, sizeof in);
  address.length = sizeof in;
  return address;
}

Address ipv6(const char* text, int port) {
  Address address;
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET6, text, &in6.sin6_addr);
  memcpy(&address.storage, &in6, sizeof in6);
  address.length = sizeof in6;
  return address;
}

std::string text_of(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(in6.sin6_port));
  }
  if (address.storage.ss_family == AF_UNIX) {
    return std::string("unix:") + reinterpret_cast<const sockaddr_un&>(address.storage).sun_path;
  }
  return "none";
}

void tell_result(const char* name, long result) {
  tell(name, result < 0 ? strerrorname_np(errno) : std::to_string(result).c_str());
}
void tell_local(int fd) {
  Address address;
  if (getsockname(fd, address.get(), &address.length) != 0) return tell_result("local", -1);
  tell("local", text_of(address).c_str());
}
void tell_peer(int fd) {
  Address address;
  if (getpeername(fd, address.get(), &address.length) != 0) return tell_result("peer", -1);
  tell("peer", text_of(address).c_str());
}
void tell_error_option(int fd) {
  int error = -1;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
    return tell_result("so_error", -1);
  tell("so_error", error == 0 ? "0" : strerrorname_np(error));
}

// --- Listening
// ---------------------------------------------------------------------------------------

void serve(Address where) {
  const int listener = socket(where.storage.ss_family, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
  tell_result("bind", bind(listener, where.get(), where.length));
  tell_local(listener);
  tell_result("listen", listen(listener, 8));
  tell_local(listener);
  Address peer;
  const int connection = accept(listener, peer.get(), &peer.length);
  if (connection < 0) return tell_result("accept", connection);
  tell("accepted", text_of(peer).c_str());
  tell_peer(connection);
  tell_local(connection);
  char bytes[16];
  tell_result("read", read(connection, bytes, sizeof bytes));
}
void probe_serve() { serve(ipv4("0.0.0.0", 80)); }
void probe_serve_any_port() { serve(ipv4("0.0.0.0", 0)); }
void probe_serve_ipv6() { serve(ipv6("::", 8080)); }
void probe_serve_unix() {
  Address where;
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  strcpy(un.sun_path, "/run/service/production.sock");
  memcpy(&where.storage, &un, sizeof un);
  where.length = sizeof un;
  serve(where);
}
void probe_serve_unbound() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  tell_result("listen", listen(listener, 8));
  tell_result("accept", accept(listener, nullptr, nullptr) >= 0 ? 0 : -1);
}
void probe_serve_poll() {
  Address where = ipv4("0.0.0.0", 80);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  bind(listener, where.get(), where.length);
  listen(listener, 8);
  tell_result("accept", accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
  pollfd polled = {listener, POLLIN, 0};
  tell_result("poll", poll(&polled, 1, -1));
  tell_result("accept", accept4(listener, nullptr, nullptr, SOCK_NONBLOCK) >= 0 ? 0 : -1);
}

// --- Connecting
// --------------------------------------------------------------------------------------

void exchange_with(int fd) {
  tell_peer(fd);
  tell_local(fd);
  tell_result("send", send(fd, "ping", 4, MSG_NOSIGNAL));
  char bytes[16];
  const ssize_t length = recv(fd, bytes, sizeof bytes, 0);
  tell_result("recv", length);
}

void probe_connect() {
  Address peer = ipv4("192.0.2.7", 6379);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  tell_result("connect", connect(fd, peer.get(), peer.length));
  exchange_with(fd);
}
void probe_connect_ipv6() {
  Address peer = ipv6("2001:db8::7", 6379);
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  tell_result("connect", connect(fd, peer.get(), peer.length));
  exchange_with(fd);
}
void probe_connect_mapped() {
  Address peer = ipv6("::ffff:192.0.2.7", 6379);
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  tell_result("connect", connect(fd, peer.get(), peer.length));
  exchange_with(fd);
}
int start_connect() {
  Address peer = ipv4("192.0.2.7", 6379);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  tell_result("connect", connect(fd, peer.get(), peer.length));
  return fd;
}
void finish_connect(int fd) {
  pollfd polled = {fd, POLLOUT, 0};
  tell_result("poll", poll(&polled, 1, -1));
  tell("writable", (polled.revents & POLLOUT) != 0 ? 1 : 0);
  tell("failed", (polled.revents & (POLLERR | POLLHUP)) != 0 ? 1 : 0);
  tell_error_option(fd);
}
void probe_connect_later() {
  const int fd = start_connect();
  finish_connect(fd);
  tell_error_option(fd);
  fcntl(fd, F_SETFL, 0);
  exchange_with(fd);
}
void probe_connect_fails_later() {
  const int fd = start_connect();
  finish_connect(fd);
  tell_error_option(fd);
}
void probe_connect_fails_in_send() {
  const int fd = start_connect();
  pollfd polled = {fd, POLLOUT, 0};
  poll(&polled, 1, -1);
  tell_result("send", send(fd, "x", 1, MSG_NOSIGNAL));
}
void probe_connect_timeout() {
  Address peer = ipv4("192.0.2.7", 6379);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const timeval hour = {3600, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &hour, sizeof hour);
  tell_result("connect", connect(fd, peer.get(), peer.length));
}
void probe_connect_poll_timeout() {
  const int fd = start_connect();
  pollfd polled = {fd, POLLOUT, 0};
  tell_result("poll", poll(&polled, 1, 3'600'000));
}
void probe_connect_after_bind() {
  Address local = ipv4("198.51.100.1", 4444);
  Address peer = ipv4("192.0.2.7", 6379);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  tell_result("bind", bind(fd, local.get(), local.length));
  tell_result("connect", connect(fd, peer.get(), peer.length));
  tell_local(fd);
}

void probe_datagram() {
  Address resolver = ipv4("192.0.2.53", 53);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  tell_result("sendto", sendto(fd, "query", 5, 0, resolver.get(), resolver.length));
  tell_result("connect", connect(fd, resolver.get(), resolver.length));
  tell_peer(fd);
  tell_result("send", send(fd, "query", 5, 0));
  char bytes[16];
  tell_result("recv", recv(fd, bytes, sizeof bytes, 0));
}

// --- Lookups
// -----------------------------------------------------------------------------------------

void look_up(const char* node, const char* service, int flags = 0, int type = SOCK_STREAM) {
  addrinfo hints = {};
  hints.ai_socktype = type;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int result = getaddrinfo(node, service, &hints, &list);
  tell("lookup", result == 0 ? "0" : gai_strerror(result));
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    Address address;
    memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    tell("address", text_of(address).c_str());
    if (one->ai_canonname != nullptr) tell("canonical", one->ai_canonname);
  }
  if (list != nullptr) freeaddrinfo(list);
}
void probe_lookup() { look_up("payments.internal", "443", AI_CANONNAME); }
void probe_lookup_numeric() {
  look_up("192.0.2.1", "80");
  look_up("2001:db8::1", "80");
  look_up(nullptr, "80", AI_PASSIVE);
  look_up(nullptr, "80");
  look_up("payments.internal", "80", AI_NUMERICHOST);
}
void probe_host() {
  const hostent* host = gethostbyname("payments.internal");
  if (host == nullptr) return tell("gethostbyname", hstrerror(h_errno));
  tell("name", host->h_name);
  for (char** address = host->h_addr_list; *address != nullptr; ++address) {
    char text[INET_ADDRSTRLEN];
    tell("address", inet_ntop(AF_INET, *address, text, sizeof text));
  }
  hostent entry = {};
  hostent* found = nullptr;
  int error = 0;
  char small[8];
  tell("small",
       gethostbyname_r("payments.internal", &entry, small, sizeof small, &found, &error) == ERANGE
           ? "ERANGE"
           : "other");
}
void probe_reverse() {
  Address address = ipv4("192.0.2.1", 80);
  char host[NI_MAXHOST], service[NI_MAXSERV];
  tell("result", getnameinfo(address.get(), address.length, host, sizeof host, service,
                             sizeof service, NI_NUMERICSERV));
  tell("host", host);
  tell("required", gai_strerror(getnameinfo(address.get(), address.length, host, sizeof host,
                                            nullptr, 0, NI_NAMEREQD)));
}

void probe_own_name() {
  char name[HOST_NAME_MAX + 1] = "";
  tell("gethostname", gethostname(name, sizeof name) == 0 ? name : "failed");
  utsname names = {};
  tell("uname", uname(&names) == 0 ? names.nodename : "failed");
  char cut[3];
  const bool fits = gethostname(cut, sizeof cut) == 0;
  tell("cut", fits ? "whole" : std::strerror(errno));
  tell("begins", std::string(cut, sizeof cut).c_str());
}

const std::map<std::string, void (*)()> kProbes = {
    {"own_name", probe_own_name},
    {"serve", probe_serve},
    {"serve_any_port", probe_serve_any_port},
    {"serve_ipv6", probe_serve_ipv6},
    {"serve_unix", probe_serve_unix},
    {"serve_unbound", probe_serve_unbound},
    {"serve_poll", probe_serve_poll},
    {"connect", probe_connect},
    {"connect_ipv6", probe_connect_ipv6},
    {"connect_mapped", probe_connect_mapped},
    {"connect_later", probe_connect_later},
    {"connect_fails_later", probe_connect_fails_later},
    {"connect_fails_in_send", probe_connect_fails_in_send},
    {"connect_timeout", probe_connect_timeout},
    {"connect_poll_timeout", probe_connect_poll_timeout},
    {"connect_after_bind", probe_connect_after_bind},
    {"datagram", probe_datagram},
    {"lookup", probe_lookup},
    {"lookup_numeric", probe_lookup_numeric},
    {"host", probe_host},
    {"reverse", probe_reverse},
};

}  // namespace

int main(int argc, char** argv) {
  const auto probe = argc > 1 ? kProbes.find(argv[1]) : kProbes.end();
  if (probe == kProbes.end()) return 2;
  probe->second();
  return 0;
}
