#include "replayer/tls/identity.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace reprise::replayer::tls {
namespace {

constexpr unsigned kRsaBits = 2048;
constexpr long kDaySeconds = 24 * 60 * 60;

std::shared_ptr<X509> own(X509* certificate) { return {certificate, &::X509_free}; }
std::shared_ptr<EVP_PKEY> own(EVP_PKEY* key) { return {key, &::EVP_PKEY_free}; }

// As EVP_EC_gen() does, a macro in which clang sees a const cast away.
std::shared_ptr<EVP_PKEY> make_curve_key() {
  char curve[] = "P-256";
  return own(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}

// Of the kind of `like`, since ciphers of TLS 1.2 depend on it; P-256 where there is none.
std::shared_ptr<EVP_PKEY> make_key(const EVP_PKEY* like) {
  if (like != nullptr && ::EVP_PKEY_get_base_id(like) == EVP_PKEY_RSA) {
    return own(::EVP_RSA_gen(kRsaBits));
  }
  return make_curve_key();
}

void add_extension(X509* certificate, int kind, const char* value) {
  if (X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, kind, value)) {
    ::X509_add_ext(certificate, extension, -1);
    ::X509_EXTENSION_free(extension);
  }
}

std::shared_ptr<X509> make_certificate(const X509_NAME* subject, long days_before) {
  auto certificate = own(::X509_new());
  ::X509_set_version(certificate.get(), X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), -days_before * kDaySeconds);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), 365 * kDaySeconds);
  ::X509_set_subject_name(certificate.get(), subject);
  ::X509_set_issuer_name(certificate.get(), subject);
  return certificate;
}

void sign(X509* certificate, EVP_PKEY* with) { ::X509_sign(certificate, with, ::EVP_sha256()); }

void drop_extensions(X509* certificate, int kind) {
  for (int at = ::X509_get_ext_by_NID(certificate, kind, -1); at >= 0;
       at = ::X509_get_ext_by_NID(certificate, kind, -1)) {
    ::X509_EXTENSION_free(::X509_delete_ext(certificate, at));
  }
}

std::shared_ptr<X509> certificate_for(const std::string& name) {
  X509_NAME* subject = ::X509_NAME_new();
  const std::string common = name.empty() ? "localhost" : name.substr(0, 64);
  ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  auto certificate = make_certificate(subject, 1);
  ::X509_NAME_free(subject);
  add_extension(certificate.get(), NID_subject_alt_name, ("DNS:" + common).c_str());
  return certificate;
}

// The authority that signs `certificate` is called as its issuer is.
Identity signed_by_authority(std::shared_ptr<X509> certificate, std::shared_ptr<EVP_PKEY> key) {
  auto authority_key = make_curve_key();
  auto authority = make_certificate(::X509_get_issuer_name(certificate.get()), 3650);
  ::X509_set_pubkey(authority.get(), authority_key.get());
  add_extension(authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  sign(authority.get(), authority_key.get());
  sign(certificate.get(), authority_key.get());
  return {std::move(key), std::move(certificate), std::move(authority)};
}

}  // namespace

std::shared_ptr<const Identity> make_identity(std::span<const std::uint8_t> recorded,
                                              const std::string& name) {
  const unsigned char* at = recorded.data();
  auto certificate = own(
      recorded.empty() ? nullptr : ::d2i_X509(nullptr, &at, static_cast<long>(recorded.size())));
  if (certificate == nullptr) certificate = certificate_for(name);
  auto key = make_key(::X509_get0_pubkey(certificate.get()));
  ::X509_set_pubkey(certificate.get(), key.get());
  // They name the recorded keys.
  drop_extensions(certificate.get(), NID_authority_key_identifier);
  drop_extensions(certificate.get(), NID_subject_key_identifier);
  const bool self_signed = ::X509_NAME_cmp(::X509_get_issuer_name(certificate.get()),
                                           ::X509_get_subject_name(certificate.get())) == 0;
  if (!self_signed) {
    return std::make_shared<Identity>(signed_by_authority(std::move(certificate), std::move(key)));
  }
  sign(certificate.get(), key.get());
  return std::make_shared<Identity>(Identity{std::move(key), std::move(certificate), nullptr});
}

std::shared_ptr<const Identity> Identities::of(const Bytes& recorded, const std::string& name) {
  auto& identity = known_[{recorded, recorded.empty() ? name : std::string()}];
  if (identity == nullptr) identity = make_identity(recorded, name);
  return identity;
}

}  // namespace reprise::replayer::tls
