#include "agent/world/substitute/testing/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace reprise::agent::testing {

Client::Client(const abi::SocketAddress& actual) {
  sa_family_t family = 0;
  memcpy(&family, actual.bytes, sizeof family);
  fd_ = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(actual.bytes), actual.length) != 0) {
    perror(text_of(actual).c_str());
    abort();
  }
}

Client::~Client() { close(fd_); }

void Client::send(const std::string& bytes) {
  if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    perror("send");
  }
}

void Client::finish() { shutdown(fd_, SHUT_WR); }

DrivenService::DrivenService(TestReplay& replay) {
  replay.link(0).role = abi::LinkRole::kListener;
  replay.answer(abi::Ask::kListen, [this](const std::string& request) {
    abi::AskListen ask = {};
    memcpy(&ask, request.data(), sizeof ask);
    asked = ask.asked;
    actual = ask.actual;
    listens = true;
    return body_of(abi::AnswerListen{0, {}});
  });
  replay.answer(abi::Ask::kAccept, [this, &replay](const std::string& request) {
    abi::AskAccept ask = {};
    memcpy(&ask, request.data(), sizeof ask);
    accepted.push_back(ask);
    abi::AnswerAccept answer = names;
    answer.link = static_cast<std::uint32_t>(accepted.size());
    replay.link(answer.link).role = abi::LinkRole::kDriven;
    return body_of(answer);
  });
}

std::string text_of(const abi::SocketAddress& address) {
  if (address.length == 0) return "none";
  sa_family_t family = 0;
  memcpy(&family, address.bytes, sizeof family);
  char text[INET6_ADDRSTRLEN] = "?";
  if (family == AF_INET) {
    sockaddr_in in = {};
    memcpy(&in, address.bytes, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (family == AF_INET6) {
    sockaddr_in6 in6 = {};
    memcpy(&in6, address.bytes, sizeof in6);
    inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(in6.sin6_port));
  }
  return std::string("unix:") +
         reinterpret_cast<const char*>(address.bytes + offsetof(sockaddr_un, sun_path));
}

abi::SocketAddress ipv4(const char* address, std::uint16_t port) {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  inet_pton(AF_INET, address, &in.sin_addr);
  abi::SocketAddress result = {};
  result.length = sizeof in;
  memcpy(result.bytes, &in, sizeof in);
  return result;
}

}  // namespace reprise::agent::testing
