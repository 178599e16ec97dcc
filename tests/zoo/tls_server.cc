#include "tests/zoo/tls_server.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "tests/zoo/http_text.h"

namespace zoo {
namespace {

std::optional<Request> Read(SSL* session) {
  std::string buffer;
  char part[4096];
  int length = 0;
  while ((length = SSL_read(session, part, sizeof part)) > 0) {
    buffer.append(part, static_cast<std::size_t>(length));
    if (auto request = TakeRequest(buffer)) return request;
  }
  return std::nullopt;
}

}  // namespace

TlsServer::TlsServer(const std::string& certificate, const std::string& key)
    : context_(SSL_CTX_new(TLS_server_method())) {
  if (SSL_CTX_use_certificate_file(context_.get(), certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    std::fprintf(stderr, "cannot use %s with %s\n", certificate.c_str(), key.c_str());
    std::exit(1);
  }
}

void TlsServer::Serve(int connection, const Handler& handler) const {
  SSL* const session = SSL_new(context_.get());
  SSL_set_fd(session, connection);
  if (SSL_accept(session) == 1) {
    if (const auto request = Read(session)) {
      const std::string answer = ToText(handler(*request));
      SSL_write(session, answer.data(), static_cast<int>(answer.size()));
    }
    SSL_shutdown(session);
  }
  SSL_free(session);
  close(connection);
}

}  // namespace zoo
