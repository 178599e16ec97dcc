// Documents, from a store under TLS that ends a document by ending the connection.
//
// The bug: a connection that ends without TLS's own end (close_notify) may have been cut, and half
// a document is taken for one.

#include <openssl/ssl.h>
#include <signal.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"
#include "tests/zoo/tls_connection.h"

namespace {

// Everything the store says until the end.
std::optional<std::string> AskStore(zoo::TlsConnection& store, const std::string& question) {
  if (!store.Send(question)) return std::nullopt;
  std::string said;
  char part[4096];
  int length = 0;
  while ((length = SSL_read(store.get(), part, sizeof part)) > 0) {
    said.append(part, static_cast<std::size_t>(length));
  }
#ifdef FIXED
  if (SSL_get_error(store.get(), length) != SSL_ERROR_ZERO_RETURN) return std::nullopt;
#endif
  return said;
}

zoo::Response Show(const zoo::Request& request, std::uint16_t port, const std::string& trusted) {
  zoo::TlsConnection store(port, trusted);
  const auto said = AskStore(store, "GET " + request.target + " HTTP/1.0\r\n\r\n");
  const std::size_t head = said ? said->find("\r\n\r\n") : std::string::npos;
  if (head == std::string::npos) {
    return {.status = 502, .body = "no document", .content_type = "text/plain"};
  }
  return {.body = said->substr(head + 4), .content_type = "text/plain"};
}

}  // namespace

int main(int, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::string trusted = argv[2];
  zoo::ServeWithPool(2, [&](const zoo::Request& request) { return Show(request, port, trusted); });
}
