// Prices, from an upstream with which one connection is kept, and for which nobody waits too long.
//
// The bug: the connection is kept after a time-out too. The answer that comes late is taken for the
// answer to the next question.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

constexpr int kPatienceMs = 250;

class Upstream {
 public:
  explicit Upstream(std::uint16_t port) : port_(port) {}

  // The body of its answer; nothing if it takes too long.
  std::optional<std::string> Ask(const std::string& target) {
    const std::lock_guard lock(mutex_);
    if (socket_ < 0) Connect();
    if (!zoo::SendAll(socket_, "GET " + target + " HTTP/1.1\r\n\r\n")) return std::nullopt;
    while (true) {
      if (const std::size_t end = unread_.find('}'); end != std::string::npos) {
        const std::string answer = unread_.substr(0, end + 1);
        unread_.erase(0, end + 1);
        return answer.substr(answer.find('{'));
      }
      pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
      char part[4096];
      const ssize_t length =
          poll(&ready, 1, kPatienceMs) == 1 ? recv(socket_, part, sizeof part, 0) : 0;
      if (length <= 0) break;
      unread_.append(part, static_cast<std::size_t>(length));
    }
#ifdef FIXED
    close(socket_);
    socket_ = -1;
    unread_.clear();
#endif
    return std::nullopt;
  }

 private:
  void Connect() {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  const std::uint16_t port_;
  std::mutex mutex_;
  int socket_ = -1;
  std::string unread_;
};

}  // namespace

int main(int, char** argv) {
  Upstream upstream(static_cast<std::uint16_t>(std::atoi(argv[1])));
  zoo::ServeWithPool(2, [&](const zoo::Request& request) -> zoo::Response {
    const auto price = upstream.Ask(request.target);
    if (!price) return {.status = 504, .body = R"({"error":"too slow"})"};
    return {.body = *price};
  });
}
