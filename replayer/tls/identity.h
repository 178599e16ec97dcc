// The key and certificates with which a recorded peer is stood in for.
//
// Its certificate is the recorded one with another key and signature: subject, names, serial
// number, validity and extensions are the peer's. It is signed by an authority that is called like
// the one that signed the recorded certificate and lives for this session only; nobody trusts it
// but the replay agent.
//
// Ownership: immutable after it was made. Threading: any thread.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace reprise::replayer::tls {

using Bytes = std::vector<std::uint8_t>;

struct Identity {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;
  std::shared_ptr<X509> authority;  // that signed it; null where it signed itself
};

// `recorded`: certificates in DER, one behind the other, the peer's own first; may be empty, and
// then a certificate for `name` is made. A certificate that cannot be read counts as none.
[[nodiscard]] std::shared_ptr<const Identity> make_identity(std::span<const std::uint8_t> recorded,
                                                            const std::string& name);

// The identities of a session, each made once. Thread-compatible.
class Identities {
 public:
  [[nodiscard]] std::shared_ptr<const Identity> of(const Bytes& recorded, const std::string& name);

 private:
  std::map<std::pair<Bytes, std::string>, std::shared_ptr<const Identity>> known_;
};

}  // namespace reprise::replayer::tls
