// A service that draws what it is told to.
//
//   draws_probe start ACTIONS            draws at once, on the main thread
//   draws_probe thread ACTIONS           draws on a second thread
//   draws_probe serve [READY_ACTIONS]    accepts one connection; each read is a string of actions.
//   With
//                                        READY_ACTIONS it polls before each read, and draws those
//                                        between the poll and the read.
//
// Actions: r REALTIME, m MONOTONIC, b BOOTTIME, c PROCESS_CPUTIME, t gettimeofday, s time,
// g getrandom(8), e getentropy(8), d std::random_device. w waits an hour for nothing.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <random>
#include <string>
#include <thread>

#include "agent/world/substitute/testing/probe.h"

namespace {

void tell_bytes(const char* name, const unsigned char* bytes, std::size_t length) {
  std::string hex;
  for (std::size_t i = 0; i < length; ++i) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", bytes[i]);
    hex += digits;
  }
  tell(name, hex.c_str());
}

void act(char action) {
  unsigned char bytes[8] = {};
  timeval now = {};
  switch (action) {
    case 'r':
      return tell("r", read_clock(CLOCK_REALTIME));
    case 'm':
      return tell("m", read_clock(CLOCK_MONOTONIC));
    case 'b':
      return tell("b", read_clock(CLOCK_BOOTTIME));
    case 'c':
      return tell("c", read_clock(CLOCK_PROCESS_CPUTIME_ID));
    case 't':
      gettimeofday(&now, nullptr);
      return tell("t", now.tv_sec * 1'000'000ll + now.tv_usec);
    case 's':
      return tell("s", time(nullptr));
    case 'g':
      if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return tell("g", "failed");
      return tell_bytes("g", bytes, sizeof bytes);
    case 'e':
      if (getentropy(bytes, sizeof bytes) != 0) return tell("e", "failed");
      return tell_bytes("e", bytes, sizeof bytes);
    case 'd':
      return tell("d", std::random_device()());
    case 'w':
      return tell("w", poll(nullptr, 0, 3'600'000));
    default:
      return;
  }
}

void act_all(const std::string& actions) {
  for (const char action : actions) act(action);
}

int serve(const char* ready_actions) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(8080);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 2;
  if (listen(listener, 8) != 0) return 3;
  const int connection = accept(listener, nullptr, nullptr);
  if (connection < 0) return 4;
  for (;;) {
    if (ready_actions != nullptr) {
      pollfd polled = {connection, POLLIN, 0};
      poll(&polled, 1, -1);
      act_all(ready_actions);
    }
    char buffer[64];
    const ssize_t length = read(connection, buffer, sizeof buffer);
    if (length <= 0) break;
    act_all(std::string(buffer, static_cast<std::size_t>(length)));
    tell("read", length);
  }
  tell("end", 0LL);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "start" && argc > 2) {
    act_all(argv[2]);
  } else if (what == "thread" && argc > 2) {
    std::thread([&] { act_all(argv[2]); }).join();
  } else if (what == "serve") {
    return serve(argc > 2 ? argv[2] : nullptr);
  } else {
    return 1;
  }
  return 0;
}
