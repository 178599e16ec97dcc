// A server with a thread for each connection, which blocks: what capture costs where many threads
// record at once.
//
//   thread_server PORT THREADS
//
// Each thread accepts a connection of 127.0.0.1, answers its requests with 200 bytes until the
// client closes it, and accepts the next. A request has no body, and comes after the answer to the
// one before.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr size_t kMaxRequestBytes = 4096;
constexpr std::string_view kEndOfRequest = "\r\n\r\n";

// 0 for what is no number.
uint16_t ParseNumber(std::string_view text) {
  uint16_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// -1 when that port cannot be had.
int Listen(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return -1;
  return listen(listener, SOMAXCONN) == 0 ? listener : -1;
}

// Whether there was one; false at the end of the connection.
bool ReadRequest(int connection) {
  std::array<char, kMaxRequestBytes> bytes;
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = read(connection, bytes.data() + size, bytes.size() - size);
    if (got <= 0) return false;
    size += static_cast<size_t>(got);
    if (std::string_view(bytes.data(), size).ends_with(kEndOfRequest)) return true;
  }
  return false;
}

void Serve(int connection, std::string_view answer) {
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  while (ReadRequest(connection)) {
    if (write(connection, answer.data(), answer.size()) != std::ssize(answer)) return;
  }
}

void ServeAll(int listener, std::string_view answer) {
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) return;
    Serve(connection, answer);
    close(connection);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc == 3 ? ParseNumber(argv[2]) : 0;
  if (threads == 0) {
    std::fputs("usage: thread_server PORT THREADS\n", stderr);
    return EXIT_FAILURE;
  }
  const int listener = Listen(ParseNumber(argv[1]));
  if (listener < 0) {
    std::perror("thread_server: listen");
    return EXIT_FAILURE;
  }
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + std::string(200, 'x');
  std::vector<std::jthread> pool;
  for (int i = 0; i < threads; ++i) pool.emplace_back(ServeAll, listener, answer);
  return EXIT_SUCCESS;
}
