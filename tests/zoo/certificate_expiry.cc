// Rates of exchange, from a partner who is believed as long as its certificate is valid: the answer
// says for how many seconds it may be kept.
//
// The bug: whether the certificate is still valid, and for how long, come from two readings of the
// clock. What is left of a certificate that expires in between is a negative number without a sign.

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"
#include "tests/zoo/tls_connection.h"

namespace {

// The last second at which the peer's certificate is valid.
std::time_t ValidUntil(const SSL* session) {
  X509* const certificate = SSL_get1_peer_certificate(session);
  std::tm last{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &last);
  X509_free(certificate);
  return timegm(&last);
}

zoo::Response Tell(const zoo::Request& request, std::uint16_t port, const std::string& trusted) {
  zoo::TlsConnection partner(port, trusted);
  if (!partner.open() || std::time(nullptr) > ValidUntil(partner.get())) {
    return {.status = 502, .body = R"({"error":"no partner"})"};
  }
  partner.Send("GET " + request.target + " HTTP/1.1\r\n\r\n");
  const auto rate = partner.ReadObject();
  if (!rate) return {.status = 502, .body = R"({"error":"no rate"})"};
  const std::time_t now = std::time(nullptr);
  const std::time_t last = ValidUntil(partner.get());
#ifdef FIXED
  const std::uint32_t left = now > last ? 0 : static_cast<std::uint32_t>(last - now);
#else
  const auto left = static_cast<std::uint32_t>(last - now);
#endif
  return {.body = R"({"cents":)" + zoo::Field(*rate, "cents") + R"(,"keep":)" +
                  std::to_string(left) + "}"};
}

}  // namespace

int main(int, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::string trusted = argv[2];
  zoo::ServeWithPool(2, [&](const zoo::Request& request) { return Tell(request, port, trusted); });
}
