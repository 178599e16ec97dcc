#include "replayer/tls/endpoint.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <cstring>

namespace reprise::replayer::tls {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;

// The ALPN list of one protocol: length, name (RFC 7301, 3.1).
Bytes protocol_list(const std::string& protocol) {
  Bytes list{static_cast<std::uint8_t>(protocol.size())};
  list.insert(list.end(), protocol.begin(), protocol.end());
  return list;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void* wanted) {
  const auto& protocol = *static_cast<const std::string*>(wanted);
  for (unsigned at = 0; at < offered_bytes; at += 1u + offered[at]) {
    const unsigned bytes = offered[at];
    if (bytes == protocol.size() && std::memcmp(offered + at + 1, protocol.data(), bytes) == 0) {
      *chosen = offered + at + 1;
      *chosen_bytes = static_cast<unsigned char>(bytes);
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

void present(SSL* ssl, const Identity& identity) {
  ::SSL_use_certificate(ssl, identity.certificate.get());
  ::SSL_use_PrivateKey(ssl, identity.key.get());
  if (identity.authority != nullptr) ::SSL_add1_chain_cert(ssl, identity.authority.get());
}

}  // namespace

TlsEndpoint::TlsEndpoint(Role role, const Setting& setting)
    : context_(::SSL_CTX_new(::TLS_method()), &::SSL_CTX_free),
      ssl_(nullptr, &::SSL_free),
      protocol_(setting.protocol) {
  SSL_CTX* context = context_.get();
  // Whatever the recorded ends agreed on must be possible; nothing here is to be kept from anybody.
  ::SSL_CTX_set_security_level(context, 0);
  ::SSL_CTX_set_cipher_list(context, "ALL");
  ::SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  ::SSL_CTX_set_max_proto_version(context, static_cast<int>(setting.version));
  // No tickets: a service is given nothing to read that no recorded peer sent.
  ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  ::SSL_CTX_set_num_tickets(context, 0);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (role == Role::kServer && !protocol_.empty()) {
    ::SSL_CTX_set_alpn_select_cb(context, &choose_protocol, &protocol_);
  }
  ssl_.reset(::SSL_new(context));
  SSL* ssl = ssl_.get();
  ::SSL_set_bio(ssl, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
  if (setting.identity != nullptr) present(ssl, *setting.identity);
  if (role == Role::kServer) {
    ::SSL_set_accept_state(ssl);
    return;
  }
  if (!setting.server_name.empty()) SSL_set_tlsext_host_name(ssl, setting.server_name.c_str());
  if (!protocol_.empty()) {
    const Bytes list = protocol_list(protocol_);
    ::SSL_set_alpn_protos(ssl, list.data(), static_cast<unsigned>(list.size()));
  }
  ::SSL_set_connect_state(ssl);
  go_on();
}

// The handshake as far as it goes, and then what waited for it.
void TlsEndpoint::go_on() {
  SSL* ssl = ssl_.get();
  if (failed_ || ::SSL_is_init_finished(ssl) != 0) return;
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl);
  if (result == 1) {
    const Bytes plaintext = std::move(waiting_);
    waiting_.clear();
    if (!plaintext.empty()) send(plaintext);
    if (closing_) close();
    return;
  }
  const int error = ::SSL_get_error(ssl, result);
  failed_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

Bytes TlsEndpoint::receive(std::span<const std::uint8_t> ciphertext) {
  ::BIO_write(::SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
  go_on();
  Bytes plaintext;
  if (!established()) return plaintext;
  for (;;) {
    const std::size_t before = plaintext.size();
    plaintext.resize(before + kReadBytes);
    ::ERR_clear_error();
    const int result = ::SSL_read(ssl_.get(), plaintext.data() + before, kReadBytes);
    plaintext.resize(before + (result > 0 ? static_cast<std::size_t>(result) : 0));
    if (result > 0) continue;
    const int error = ::SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) failed_ = true;
    return plaintext;
  }
}

void TlsEndpoint::send(std::span<const std::uint8_t> plaintext) {
  if (failed_ || plaintext.empty()) return;
  if (!established()) {
    waiting_.insert(waiting_.end(), plaintext.begin(), plaintext.end());
    return;
  }
  // A memory BIO takes all of it.
  ::SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
}

void TlsEndpoint::close() {
  closing_ = true;
  if (!failed_ && established()) (void)::SSL_shutdown(ssl_.get());
}

Bytes TlsEndpoint::take_ciphertext() {
  BIO* out = ::SSL_get_wbio(ssl_.get());
  Bytes ciphertext(BIO_ctrl_pending(out));
  if (!ciphertext.empty()) {
    ::BIO_read(out, ciphertext.data(), static_cast<int>(ciphertext.size()));
  }
  return ciphertext;
}

bool TlsEndpoint::established() const { return ::SSL_is_init_finished(ssl_.get()) != 0; }

bool TlsEndpoint::peer_closed() const {
  return (::SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

}  // namespace reprise::replayer::tls
