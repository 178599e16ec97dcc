// A connection to what a service of the zoo depends on, under TLS. It belongs to one thread at a
// time.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zoo {

class TlsConnection {
 public:
  // Connects to a port of 127.0.0.1. `trusted` is the path of the only certificate that is
  // believed.
  TlsConnection(std::uint16_t port, const std::string& trusted);
  // Says close_notify.
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  // Whether there is a peer, and it is who it should be.
  [[nodiscard]] bool open() const { return open_; }

  [[nodiscard]] SSL* get() const { return session_.get(); }

  // False when the peer is gone, or never was there.
  bool Send(std::string_view bytes);

  // Reads to the end of a JSON object that has no others in it, and returns that; nothing when the
  // peer is gone before.
  [[nodiscard]] std::optional<std::string> ReadObject();

 private:
  struct Freer {
    void operator()(SSL* session) const { SSL_free(session); }
  };

  const int socket_;
  std::unique_ptr<SSL, Freer> session_;
  bool open_ = false;
};

}  // namespace zoo
