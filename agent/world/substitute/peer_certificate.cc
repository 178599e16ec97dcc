// The certificates of OpenSSL's peers, and what OpenSSL thinks of them: those of the recording.
//
// In a handshake the replayer presents certificates that are like the recorded ones but for their
// keys, signed by an authority that it sends along (replayer/tls/identity.h). They are verified as
// usual with that authority trusted and without a look at the clock, which runs the service's
// callbacks as then; the verdict is the recorded one whatever came of it. When the service looks at
// them later it sees the recorded ones themselves, so that pinned keys and channel bindings hold.
// Certificates that come from nobody of the replayer's are left to OpenSSL.
#include <atomic>

#include "agent/caller_library.h"
#include "agent/hooks/hook.h"
#include "agent/tls_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/peer_link.h"

// Of <openssl/ssl.h> and <openssl/x509_vfy.h>.
extern "C" {
struct ssl_st;
struct stack_st;
struct x509_st;
struct x509_store_ctx_st;
}

namespace reprise::agent {
namespace {

using Context = x509_store_ctx_st;
using Certificates = stack_st;

constexpr unsigned long kNoCheckTime = 0x200000;  // X509_V_FLAG_NO_CHECK_TIME
constexpr int kAccepted = 0;                      // X509_V_OK

struct Libcrypto {
  int (*verify)(Context*);
  Certificates* (*get_sent)(Context*);
  void (*trust)(Context*, Certificates*);
  void (*set_flags)(Context*, unsigned long);
  void (*set_error)(Context*, int);

  void resolve(const link_map& object) {
    find_in(object, "X509_verify_cert", verify);
    find_in(object, "X509_STORE_CTX_get0_untrusted", get_sent);
    find_in(object, "X509_STORE_CTX_set0_trusted_stack", trust);
    find_in(object, "X509_STORE_CTX_set_flags", set_flags);
    find_in(object, "X509_STORE_CTX_set_error", set_error);
  }
  [[nodiscard]] bool complete() const {
    return get_sent != nullptr && trust != nullptr && set_flags != nullptr && set_error != nullptr;
  }
};

struct Libssl {
  x509_st* (*get)(const ssl_st*);   // whose result is the caller's
  x509_st* (*get0)(const ssl_st*);  // OpenSSL 3
  Certificates* (*get_chain)(const ssl_st*);
  int (*is_server)(const ssl_st*);
  // Of the libcrypto it needs.
  x509_st* (*decode)(x509_st**, const unsigned char**, long);
  int (*up_ref)(x509_st*);
  Certificates* (*make)();
  int (*push)(Certificates*, const void*);
  void* (*at)(const Certificates*, int);

  void resolve(const link_map& object) {
    find_in(object, "SSL_get1_peer_certificate", get);
    if (get == nullptr) find_in(object, "SSL_get_peer_certificate", get);
    find_in(object, "SSL_get0_peer_certificate", get0);
    find_in(object, "SSL_get_peer_cert_chain", get_chain);
    find_in(object, "SSL_is_server", is_server);
    need("d2i_X509", decode);
    need("X509_up_ref", up_ref);
    need("OPENSSL_sk_new_null", make);
    need("OPENSSL_sk_push", push);
    need("OPENSSL_sk_value", at);
  }
  template <typename Function>
  void need(const char* name, Function& function) {
    const auto* code = reinterpret_cast<const void*>(get_chain);
    function = reinterpret_cast<Function>(find_function_for(code, name));
  }
};

constinit CallerLibrary<Libcrypto> libcryptos("X509_verify_cert");
constinit CallerLibrary<Libssl> libssls("SSL_get_peer_cert_chain");

// The connection whose handshake this thread is in the middle of.
const abi::Link* link_in_handshake() {
  Thread* thread = control().attached() ? this_thread() : nullptr;
  const TlsCall* call = thread == nullptr ? nullptr : TlsCall::of(*thread);
  return call == nullptr ? nullptr : link_of_peer(call->connection());
}

// --- Recorded certificates -----------------------------------------------------------------------

// Decoded once for each library and place on the tape, and kept: the service may hold on to them.
struct Decoded {
  std::atomic<const Libssl*> library;
  std::uint64_t offset;
  std::atomic<Certificates*> certificates;
};
constexpr std::size_t kDecoded = 256;
constinit Decoded decoded[kDecoded]{};

Certificates* decode(const Libssl& library, const abi::Link& link) {
  const auto* at =
      reinterpret_cast<const unsigned char*>(control().bytes() + link.tls_certificates);
  const unsigned char* const end = at + link.tls_certificate_bytes;
  Certificates* certificates = library.make();
  while (certificates != nullptr && at < end) {
    x509_st* one = library.decode(nullptr, &at, end - at);
    if (one == nullptr) break;
    library.push(certificates, one);
  }
  return certificates;
}

// Null when the recording has none, or there is no room left for them.
Certificates* recorded_certificates(const Libssl& library, const ssl_st* ssl) {
  const TlsSession* session = tls_session(ssl);
  const abi::Link* link = session == nullptr ? nullptr : link_of_peer(session->connection());
  if (link == nullptr || link->tls_certificate_bytes == 0) return nullptr;
  for (Decoded& known : decoded) {
    const Libssl* whose = nullptr;
    if (known.library.compare_exchange_strong(whose, &library, std::memory_order_acq_rel)) {
      known.offset = link->tls_certificates;
      known.certificates.store(decode(library, *link), std::memory_order_release);
      return known.certificates.load(std::memory_order_relaxed);
    }
    Certificates* certificates = known.certificates.load(std::memory_order_acquire);
    if (certificates == nullptr) continue;  // another thread is about to make them
    if (whose == &library && known.offset == link->tls_certificates) return certificates;
  }
  return nullptr;
}

x509_st* recorded_certificate(const Libssl& library, const ssl_st* ssl) {
  Certificates* certificates = recorded_certificates(library, ssl);
  return certificates == nullptr ? nullptr : static_cast<x509_st*>(library.at(certificates, 0));
}

x509_st* own_certificate(const ssl_st* ssl, const void* caller) {
  const Libssl* library = libssls.find(caller);
  if (library == nullptr || library->get == nullptr) return nullptr;
  x509_st* recorded = recorded_certificate(*library, ssl);
  if (recorded == nullptr) return library->get(ssl);
  library->up_ref(recorded);
  return recorded;
}

}  // namespace

extern "C" {
int hook_X509_verify_cert(Context* context) REPRISE_HOOK(X509_verify_cert);
x509_st* hook_SSL_get1_peer_certificate(const ssl_st* ssl) REPRISE_HOOK(SSL_get1_peer_certificate);
x509_st* hook_SSL_get_peer_certificate(const ssl_st* ssl) REPRISE_HOOK(SSL_get_peer_certificate);
x509_st* hook_SSL_get0_peer_certificate(const ssl_st* ssl) REPRISE_HOOK(SSL_get0_peer_certificate);
Certificates* hook_SSL_get_peer_cert_chain(const ssl_st* ssl) REPRISE_HOOK(SSL_get_peer_cert_chain);
}

int hook_X509_verify_cert(Context* context) {
  const Libcrypto* library = libcryptos.find(REPRISE_CALLER());
  if (library == nullptr) return 0;
  const abi::Link* link = link_in_handshake();
  if (link == nullptr || !library->complete()) return library->verify(context);
  library->trust(context, library->get_sent(context));
  library->set_flags(context, kNoCheckTime);
  (void)library->verify(context);
  library->set_error(context, link->tls_verdict);
  return link->tls_verdict == kAccepted ? 1 : 0;
}

x509_st* hook_SSL_get1_peer_certificate(const ssl_st* ssl) {
  return own_certificate(ssl, REPRISE_CALLER());
}

x509_st* hook_SSL_get_peer_certificate(const ssl_st* ssl) {
  return own_certificate(ssl, REPRISE_CALLER());
}

x509_st* hook_SSL_get0_peer_certificate(const ssl_st* ssl) {
  const Libssl* library = libssls.find(REPRISE_CALLER());
  if (library == nullptr || library->get0 == nullptr) return nullptr;
  x509_st* recorded = recorded_certificate(*library, ssl);
  return recorded == nullptr ? library->get0(ssl) : recorded;
}

// A server's is without the client's own certificate, and rarely looked at.
Certificates* hook_SSL_get_peer_cert_chain(const ssl_st* ssl) {
  const Libssl* library = libssls.find(REPRISE_CALLER());
  if (library == nullptr) return nullptr;
  Certificates* recorded =
      library->is_server(ssl) != 0 ? nullptr : recorded_certificates(*library, ssl);
  return recorded == nullptr ? library->get_chain(ssl) : recorded;
}

}  // namespace reprise::agent
