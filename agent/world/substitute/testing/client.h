// A client of the service under test: plays the replayer's driver.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/abi/records.h"
#include "agent/world/substitute/testing/test_replay.h"

namespace reprise::agent::testing {

class Client {
 public:
  // Connects to where the service really listens.
  explicit Client(const abi::SocketAddress& actual);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& bytes);
  void finish();  // no more is sent
  int fd() const { return fd_; }

 private:
  int fd_;
};

// The rules a service with driven connections needs: every listener is link 0, the connections it
// accepts are links 1, 2, …
struct DrivenService {
  explicit DrivenService(TestReplay& replay);

  abi::SocketAddress asked, actual;  // of the listener
  std::vector<abi::AskAccept> accepted;
  abi::AnswerAccept names = {};  // told of each connection, with its link
  bool listens = false;
};

std::string text_of(const abi::SocketAddress& address);
abi::SocketAddress ipv4(const char* address, std::uint16_t port);

}  // namespace reprise::agent::testing
