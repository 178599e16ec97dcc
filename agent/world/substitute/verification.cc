// What OpenSSL thinks of a peer's certificate: the verdict of the recording.
//
// The replayer's certificates are the recorded ones with other keys, signed by an authority that it
// sends along (replayer/tls/identity.h). They are verified as usual with that authority trusted and
// without a look at the clock, which runs the service's callbacks as then; the verdict is the recorded
// one whatever came of it. Certificates that come from nobody of the replayer's are left to OpenSSL.
#include "agent/caller_library.h"
#include "agent/hooks/hook.h"
#include "agent/tls_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/socket_state.h"

// Of <openssl/x509_vfy.h>.
extern "C" {
struct x509_store_ctx_st;
struct stack_st;
}

namespace reprise::agent {
namespace {

using Context = x509_store_ctx_st;

constexpr unsigned long kNoCheckTime = 0x200000;  // X509_V_FLAG_NO_CHECK_TIME
constexpr int kAccepted = 0;                      // X509_V_OK

struct Libcrypto {
  int (*verify)(Context*);
  stack_st* (*get_sent)(Context*);
  void (*trust)(Context*, stack_st*);
  void (*set_flags)(Context*, unsigned long);
  void (*set_error)(Context*, int);

  void resolve(const link_map& object) {
    find(object, "X509_verify_cert", verify);
    find(object, "X509_STORE_CTX_get0_untrusted", get_sent);
    find(object, "X509_STORE_CTX_set0_trusted_stack", trust);
    find(object, "X509_STORE_CTX_set_flags", set_flags);
    find(object, "X509_STORE_CTX_set_error", set_error);
  }
  template <typename Function>
  static void find(const link_map& object, const char* name, Function& function) {
    function = reinterpret_cast<Function>(find_function(object, name));
  }
  [[nodiscard]] bool complete() const {
    return get_sent != nullptr && trust != nullptr && set_flags != nullptr && set_error != nullptr;
  }
};

constinit CallerLibrary<Libcrypto> libraries("X509_verify_cert");

// The connection whose handshake this thread is in the middle of, when the replayer answers it.
const abi::Link* link_in_handshake() {
  Thread* thread = control().attached() ? this_thread() : nullptr;
  if (thread == nullptr || thread->tls == nullptr) return nullptr;
  const SocketState* state = state_of(thread->tls->connection());
  return state == nullptr ? nullptr : link_of(*state);
}

}  // namespace

extern "C" int hook_X509_verify_cert(Context* context) REPRISE_HOOK(X509_verify_cert);

int hook_X509_verify_cert(Context* context) {
  const Libcrypto* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return 0;
  const abi::Link* link = link_in_handshake();
  if (link == nullptr || !library->complete()) return library->verify(context);
  library->trust(context, library->get_sent(context));
  library->set_flags(context, kNoCheckTime);
  (void)library->verify(context);
  library->set_error(context, link->tls_verdict);
  return link->tls_verdict == kAccepted ? 1 : 0;
}

}  // namespace reprise::agent
