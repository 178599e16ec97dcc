// What GnuTLS thinks of a peer's certificate: the verdict of the recording (compare
// peer_certificate.cc).
#include "agent/caller_library.h"
#include "agent/hooks/hook.h"
#include "agent/tls_session.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/peer_link.h"
#include "agent/world/world.h"

// Of <gnutls/gnutls.h>.
extern "C" {
struct gnutls_session_int;
}

namespace reprise::agent {
namespace {

using Session = gnutls_session_int*;

constexpr unsigned kAccepted = 0, kInvalid = 1u << 1;  // gnutls_certificate_status_t
constexpr int kCertificateError = -43;                 // GNUTLS_E_CERTIFICATE_ERROR

struct GnuTls {
  void (*set_verify_function)(Session, int (*)(Session));
  void (*set_verify_cert)(Session, const char*, unsigned);
  void (*set_verify_cert2)(Session, void*, unsigned, unsigned);

  void resolve(const link_map& object) {
    find_in(object, "gnutls_session_set_verify_function", set_verify_function);
    find_in(object, "gnutls_session_set_verify_cert", set_verify_cert);
    find_in(object, "gnutls_session_set_verify_cert2", set_verify_cert2);
  }
};

constinit CallerLibrary<GnuTls> libraries("gnutls_session_set_verify_cert");

// In the middle of a handshake; 0 lets it go on.
int judge(Session of) {
  const TlsSession* session = tls_session(of);
  const abi::Link* link = session == nullptr ? nullptr : link_of_peer(session->connection());
  return link == nullptr || link->tls_verdict == 0 ? 0 : kCertificateError;
}

}  // namespace

extern "C" {
void hook_gnutls_session_set_verify_cert(Session of, const char* name, unsigned flags)
    REPRISE_HOOK(gnutls_session_set_verify_cert);
void hook_gnutls_session_set_verify_cert2(Session of, void* data, unsigned elements, unsigned flags)
    REPRISE_HOOK(gnutls_session_set_verify_cert2);
}

void hook_gnutls_session_set_verify_cert(Session of, const char* name, unsigned flags) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return;
  if (control().attached()) {
    library->set_verify_function(of, &judge);
  } else {
    library->set_verify_cert(of, name, flags);
  }
}

void hook_gnutls_session_set_verify_cert2(Session of, void* data, unsigned elements,
                                          unsigned flags) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return;
  if (control().attached()) {
    library->set_verify_function(of, &judge);
  } else {
    library->set_verify_cert2(of, data, elements, flags);
  }
}

int world::verify_peer(Socket* socket, unsigned* status, int (*verify)(void*), void* context) {
  const abi::Link* link = link_of_peer(socket);
  if (link == nullptr) return verify(context);
  *status = link->tls_verdict == 0 ? kAccepted : kInvalid;
  return 0;
}

}  // namespace reprise::agent
