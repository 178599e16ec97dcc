// Documents, from an old store that ends a document by closing the connection.
//
// The bug: a connection that is reset has ended too, and half a document is one.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/zoo/epoll_server.h"
#include "tests/zoo/http_text.h"

namespace {

// Everything the store says until it closes the connection.
std::optional<std::string> AskStore(std::uint16_t port, const std::string& question) {
  const int store = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string said;
  ssize_t length = -1;
  if (connect(store, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      zoo::SendAll(store, question)) {
    char part[4096];
    while ((length = recv(store, part, sizeof part, 0)) > 0) {
      said.append(part, static_cast<std::size_t>(length));
    }
  }
  close(store);
#ifdef FIXED
  if (length < 0) return std::nullopt;
#endif
  if (said.empty()) return std::nullopt;
  return said;
}

class Documents : public zoo::Conversation {
 public:
  explicit Documents(std::uint16_t store) : store_(store) {}

  std::string Received(std::string_view bytes) override {
    unread_ += bytes;
    std::string answers;
    while (const auto request = zoo::TakeRequest(unread_)) {
      const auto said = AskStore(store_, "GET " + request->target + " HTTP/1.0\r\n\r\n");
      const std::size_t head = said ? said->find("\r\n\r\n") : std::string::npos;
      answers += zoo::ToText(
          head == std::string::npos
              ? zoo::Response{.status = 502, .body = "no document", .content_type = "text/plain"}
              : zoo::Response{.body = said->substr(head + 4), .content_type = "text/plain"});
    }
    return answers;
  }

 private:
  const std::uint16_t store_;
  std::string unread_;
};

}  // namespace

int main(int, char** argv) {
  const auto store = static_cast<std::uint16_t>(std::atoi(argv[1]));
  zoo::ServeWithEpoll([store] { return std::make_unique<Documents>(store); });
}
