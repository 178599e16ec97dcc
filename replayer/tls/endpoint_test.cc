// Both ends against each other, and the certificates that stand in for recorded ones.
#include "replayer/tls/endpoint.h"
#include "protocol/client_hello.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <string>

namespace reprise::replayer::tls {
namespace {

using Role = TlsEndpoint::Role;

Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

struct Pair {
  explicit Pair(const Setting& client_setting = {}, Setting server_setting = {})
      : client(Role::kClient, client_setting),
        server(Role::kServer, with_identity(server_setting)) {}

  static Setting with_identity(Setting& setting) {
    if (setting.identity == nullptr) setting.identity = make_identity({}, "shop.example");
    return setting;
  }

  // Carries what there is in both directions until there is no more.
  void exchange() {
    for (;;) {
      const Bytes there = client.take_ciphertext();
      to_server += text(server.receive(there));
      const Bytes back = server.take_ciphertext();
      to_client += text(client.receive(back));
      if (there.empty() && back.empty()) return;
    }
  }

  TlsEndpoint client, server;
  std::string to_server, to_client;
};

TEST(TlsEndpoint, CarriesWhatIsSentBothWays) {
  Pair pair;
  pair.client.send(bytes("before the handshake"));
  pair.exchange();
  EXPECT_TRUE(pair.client.established());
  EXPECT_TRUE(pair.server.established());
  EXPECT_EQ(pair.to_server, "before the handshake");
  pair.server.send(bytes("and back"));
  pair.exchange();
  EXPECT_EQ(pair.to_client, "and back");
}

TEST(TlsEndpoint, OneSendIsOneRecord) {
  Pair pair;
  pair.exchange();
  pair.server.send(bytes(std::string(16000, 'a')));
  const Bytes record = pair.server.take_ciphertext();
  const std::size_t length = record[3] * 256u + record[4];
  EXPECT_EQ(record.size(), 5 + length);
}

TEST(TlsEndpoint, SpeaksTheRecordedVersionAndProtocol) {
  for (const std::uint32_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Pair pair({.protocol = "http/1.1"}, {.version = version, .protocol = "http/1.1"});
    // The record of a hello has no version of its own; what follows has (RFC 8446, 4.2.1).
    (void)pair.server.receive(pair.client.take_ciphertext());
    const Bytes answer = pair.server.take_ciphertext();
    const bool has_1_3 = text(answer).find(std::string("\0\x2b\0\x02\x03\x04", 6)) !=
                         std::string::npos;  // supported_versions: TLS 1.3
    EXPECT_EQ(has_1_3, version == TLS1_3_VERSION);
    (void)pair.client.receive(answer);
    pair.exchange();
    EXPECT_TRUE(pair.server.established());
  }
}

TEST(TlsEndpoint, TellsCloseNotifyFromTheEndOfTheNetwork) {
  Pair pair;
  pair.exchange();
  EXPECT_FALSE(pair.client.peer_closed());
  pair.server.close();
  pair.exchange();
  EXPECT_TRUE(pair.client.peer_closed());
  EXPECT_FALSE(pair.client.failed());
}

TEST(TlsEndpoint, FailsOnWhatIsNoTls) {
  Pair pair;
  (void)pair.server.receive(bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(pair.server.failed());
  EXPECT_FALSE(protocol::begins_client_hello(bytes("GET / HTTP/1.1\r\n")));
  EXPECT_TRUE(protocol::begins_client_hello(pair.client.take_ciphertext()));
}

// --- Certificates -------------------------------------------------------------------------------

std::string name_of(const X509_NAME* name) {
  char line[256];
  ::X509_NAME_oneline(name, line, sizeof(line));
  return line;
}

Bytes encoded(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = ::i2d_X509(certificate, &der);
  Bytes copy(der, der + length);
  ::OPENSSL_free(der);
  return copy;
}

TEST(TlsIdentity, IsTheRecordedCertificateWithAnotherKey) {
  const auto first = make_identity({}, "shop.example");
  // As one of a real authority: its issuer has another name.
  X509_NAME* issuer = ::X509_NAME_new();
  ::X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("Some Authority"), -1, -1, 0);
  ::X509_set_issuer_name(first->certificate.get(), issuer);
  ::X509_NAME_free(issuer);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(first->certificate.get()), 4711);
  ::X509_sign(first->certificate.get(), first->key.get(), ::EVP_sha256());

  const auto copy = make_identity(encoded(first->certificate.get()), "");
  X509* made = copy->certificate.get();
  EXPECT_EQ(name_of(::X509_get_subject_name(made)), "/CN=shop.example");
  EXPECT_EQ(name_of(::X509_get_issuer_name(made)), "/CN=Some Authority");
  EXPECT_EQ(::ASN1_INTEGER_get(::X509_get_serialNumber(made)), 4711);
  EXPECT_EQ(::X509_check_host(made, "shop.example", 0, 0, nullptr), 1);
  EXPECT_EQ(::ASN1_TIME_compare(::X509_get0_notAfter(made),
                                ::X509_get0_notAfter(first->certificate.get())),
            0);
  ASSERT_NE(copy->authority, nullptr);
  EXPECT_EQ(::X509_verify(made, ::X509_get0_pubkey(copy->authority.get())), 1);
  EXPECT_NE(::EVP_PKEY_eq(copy->key.get(), first->key.get()), 1);
}

TEST(TlsIdentity, IsMadeOnce) {
  Identities identities;
  EXPECT_EQ(identities.of({}, "a"), identities.of({}, "a"));
  EXPECT_NE(identities.of({}, "a"), identities.of({}, "b"));
  EXPECT_NE(identities.of({1, 2, 3}, ""), nullptr) << "no certificate, and none is needed";
}

}  // namespace
}  // namespace reprise::replayer::tls
