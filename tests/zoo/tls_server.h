// Serving connections under TLS with blocking calls, a request each.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tests/zoo/thread_server.h"

namespace zoo {

// May be used by several threads, and by processes that are forked after it was made.
class TlsServer {
 public:
  // The paths of the service's certificate and of its key, as PEM. Ends the program with a message
  // when they are no pair.
  TlsServer(const std::string& certificate, const std::string& key);

  // Answers one request and ends the connection.
  void Serve(int connection, const Handler& handler) const;

 private:
  struct Freer {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  std::unique_ptr<SSL_CTX, Freer> context_;
};

}  // namespace zoo
