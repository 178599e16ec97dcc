// One end of a TLS connection, between plaintext and ciphertext; it moves neither itself.
//
//   TlsEndpoint end(TlsEndpoint::Role::kServer, {.identity = …});
//   plain = end.receive(ciphertext);  send(end.take_ciphertext());
//   end.send(plain);                  send(end.take_ciphertext());
//
// What is sent before the handshake is over waits for it. One call of send() makes one record, up
// to the 16 KiB that a record holds (RFC 8446, 5.1). It asks nobody for a certificate and believes
// each.
//
// Ownership: owns its session. Threading: one thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "replayer/tls/identity.h"

namespace reprise::replayer::tls {

struct Setting {
  std::uint32_t version = 0;                 // at most, as on the wire: 0x0304 is TLS 1.3; 0: any
  std::string server_name;                   // a client's
  std::string protocol;                      // that is offered or chosen (ALPN), "" none
  std::shared_ptr<const Identity> identity;  // null: a client without a certificate
};

class TlsEndpoint {
 public:
  enum class Role : std::uint8_t { kClient, kServer };

  // A client's ClientHello is there to be taken at once.
  TlsEndpoint(Role role, const Setting& setting);

  // What the network brought; the plaintext that came of it.
  [[nodiscard]] Bytes receive(std::span<const std::uint8_t> ciphertext);
  void send(std::span<const std::uint8_t> plaintext);
  // Says close_notify.
  void close();
  // What is to go to the network.
  [[nodiscard]] Bytes take_ciphertext();

  bool established() const;
  // The handshake failed, or what came is no TLS. An alert may be there to be taken.
  bool failed() const { return failed_; }
  // The other end said close_notify.
  bool peer_closed() const;

 private:
  void go_on();

  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&::SSL_free)> ssl_;
  std::string protocol_;
  Bytes waiting_;  // for the handshake
  bool closing_ = false;
  bool failed_ = false;
};

}  // namespace reprise::replayer::tls
