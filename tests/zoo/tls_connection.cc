#include "tests/zoo/tls_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace zoo {

TlsConnection::TlsConnection(std::uint16_t port, const std::string& trusted)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_load_verify_locations(context, trusted.c_str(), nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  session_.reset(SSL_new(context));
  SSL_CTX_free(context);  // the session keeps it
  SSL_set_fd(session_.get(), socket_);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  open_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
          SSL_connect(session_.get()) == 1;
}

TlsConnection::~TlsConnection() {
  if (open_) SSL_shutdown(session_.get());
  close(socket_);
}

bool TlsConnection::Send(std::string_view bytes) {
  return open_ && SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

std::optional<std::string> TlsConnection::ReadObject() {
  std::string said;
  char part[4096];
  int length = 0;
  while (open_ && (length = SSL_read(session_.get(), part, sizeof part)) > 0) {
    said.append(part, static_cast<std::size_t>(length));
    if (const std::size_t end = said.find('}'); end != std::string::npos) {
      const std::size_t begin = said.find('{');
      return said.substr(begin, end + 1 - begin);
    }
  }
  return std::nullopt;
}

}  // namespace zoo
