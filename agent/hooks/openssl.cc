// OpenSSL's sessions (libssl 1.1 and 3): what the service reads and writes through them is recorded
// in the clear, whatever carries the ciphertext (agent/tls_call.h).
//
// libssl is the service's, or not there: its types are opaque here, and its functions are looked up
// in the copy that the caller is bound to. Not seen: an OpenSSL inside the program itself,
// functions that the program got from dlsym, and DTLS.
#include <errno.h>

#include "agent/caller_library.h"
#include "agent/hooks/hook.h"
#include "agent/hot.h"
#include "agent/system_call.h"
#include "agent/tls_call.h"

// Of <openssl/ssl.h>, <openssl/bio.h> and <openssl/x509.h>.
extern "C" {
struct ssl_st;
struct bio_st;
struct x509_st;
struct stack_st;
struct ssl_cipher_st;
}

namespace reprise::agent {
namespace {

using Ssl = ssl_st;
using Bio = bio_st;

// clang-format off
#define REPRISE_OPENSSL(X)                                                                          \
  X(int, SSL_read, Ssl*, void*, int)                                                                \
  X(int, SSL_write, Ssl*, const void*, int)                                                         \
  X(int, SSL_get_error, const Ssl*, int)                                                            \
  X(int, SSL_read_ex, Ssl*, void*, std::size_t, std::size_t*)                                       \
  X(int, SSL_write_ex, Ssl*, const void*, std::size_t, std::size_t*)                                \
  X(int, SSL_peek, Ssl*, void*, int)                                                                \
  X(int, SSL_peek_ex, Ssl*, void*, std::size_t, std::size_t*)                                       \
  X(int, SSL_read_early_data, Ssl*, void*, std::size_t, std::size_t*)                               \
  X(int, SSL_write_ex2, Ssl*, const void*, std::size_t, std::uint64_t, std::size_t*)                \
  X(int, SSL_write_early_data, Ssl*, const void*, std::size_t, std::size_t*)                        \
  X(ssize_t, SSL_sendfile, Ssl*, int, off_t, std::size_t, int)                                      \
  X(int, SSL_do_handshake, Ssl*)                                                                    \
  X(int, SSL_accept, Ssl*)                                                                          \
  X(int, SSL_connect, Ssl*)                                                                         \
  X(int, SSL_shutdown, Ssl*)                                                                        \
  X(void, SSL_free, Ssl*)                                                                           \
  X(void, SSL_set_bio, Ssl*, Bio*, Bio*)                                                            \
  X(void, SSL_set0_rbio, Ssl*, Bio*)                                                                \
  X(int, SSL_is_init_finished, const Ssl*)                                                          \
  X(int, SSL_is_server, const Ssl*)                                                                 \
  X(int, SSL_version, const Ssl*)                                                                   \
  X(int, SSL_session_reused, const Ssl*)                                                            \
  X(long, SSL_get_verify_result, const Ssl*)                                                        \
  X(std::size_t, SSL_get_client_random, const Ssl*, unsigned char*, std::size_t)                    \
  X(const char*, SSL_get_servername, const Ssl*, int)                                               \
  X(void, SSL_get0_alpn_selected, const Ssl*, const unsigned char**, unsigned*)                     \
  X(const ssl_cipher_st*, SSL_get_current_cipher, const Ssl*)                                       \
  X(const char*, SSL_CIPHER_get_name, const ssl_cipher_st*)                                         \
  X(stack_st*, SSL_get_peer_cert_chain, const Ssl*)                                                 \
  X(x509_st*, SSL_get0_peer_certificate, const Ssl*)
#define REPRISE_LIBCRYPTO(X)                                                                        \
  X(int, BIO_method_type, const Bio*)                                                               \
  X(int, OPENSSL_sk_num, const stack_st*)                                                           \
  X(void*, OPENSSL_sk_value, const stack_st*, int)                                                  \
  X(int, i2d_X509, const x509_st*, unsigned char**)
#define REPRISE_DECLARE(result, name, ...) result (*name)(__VA_ARGS__);
#define REPRISE_RESOLVE(result, name, ...)                                                          \
  name = reinterpret_cast<result (*)(__VA_ARGS__)>(find_function(object, #name));
#define REPRISE_RESOLVE_NEEDED(result, name, ...)                                                   \
  name = reinterpret_cast<result (*)(__VA_ARGS__)>(                                                 \
      find_function_for(reinterpret_cast<const void*>(SSL_read), #name));
// clang-format on

// One libssl with the libcrypto that it needs.
struct OpenSsl : TlsLibrary {
  REPRISE_OPENSSL(REPRISE_DECLARE)
  REPRISE_LIBCRYPTO(REPRISE_DECLARE)

  void resolve(const link_map& object) {
    REPRISE_OPENSSL(REPRISE_RESOLVE)
    REPRISE_LIBCRYPTO(REPRISE_RESOLVE_NEEDED)
    client_random = &read_client_random;
    is_client = &acts_as_client;
    describe = &fill_facts;
    encode = &encode_certificate;
  }

  static bool read_client_random(const TlsLibrary& library, const void* object,
                                 std::uint8_t* random);
  static bool acts_as_client(const TlsLibrary& library, const void* object);
  static void fill_facts(const TlsLibrary& library, const void* object, TlsFacts& facts);
  static void encode_certificate(const TlsLibrary& library, const Certificate& certificate,
                                 std::byte* to);
};

constinit CallerLibrary<OpenSsl> libraries("SSL_read");

// Values of the headers above.
constexpr int kErrorSsl = 1, kErrorSyscall = 5, kErrorZeroReturn = 6;  // SSL_ERROR_*
constexpr int kHostName = 0;                                           // TLSEXT_NAMETYPE_host_name
constexpr int kDescriptorBio = 0x0100;                                 // BIO_TYPE_DESCRIPTOR
constexpr int kEarlyDataSuccess = 1;  // SSL_READ_EARLY_DATA_SUCCESS

const OpenSsl& openssl(const TlsLibrary& library) { return static_cast<const OpenSsl&>(library); }
const Ssl* session(const void* object) { return static_cast<const Ssl*>(object); }

bool OpenSsl::read_client_random(const TlsLibrary& library, const void* object,
                                 std::uint8_t* random) {
  const auto get = openssl(library).SSL_get_client_random;
  return get != nullptr && get(session(object), random, kTlsRandomBytes) == kTlsRandomBytes;
}

bool OpenSsl::acts_as_client(const TlsLibrary& library, const void* object) {
  return openssl(library).SSL_is_server(session(object)) == 0;
}

void OpenSsl::fill_facts(const TlsLibrary& library, const void* object, TlsFacts& facts) {
  const OpenSsl& functions = openssl(library);
  const Ssl* ssl = session(object);
  facts.version = static_cast<std::uint32_t>(functions.SSL_version(ssl));
  facts.client = functions.SSL_is_server(ssl) == 0;
  facts.resumed = functions.SSL_session_reused(ssl) != 0;
  facts.verdict = static_cast<std::int32_t>(functions.SSL_get_verify_result(ssl));
  if (const char* name = functions.SSL_get_servername(ssl, kHostName)) facts.server_name = name;
  if (const ssl_cipher_st* cipher = functions.SSL_get_current_cipher(ssl)) {
    facts.cipher = functions.SSL_CIPHER_get_name(cipher);
  }
  const unsigned char* protocol = nullptr;
  unsigned protocol_bytes = 0;
  functions.SSL_get0_alpn_selected(ssl, &protocol, &protocol_bytes);
  facts.protocol = protocol;
  facts.protocol_bytes = protocol_bytes;
  auto add = [&](const void* certificate) {
    if (facts.certificate_count == TlsFacts::kMostCertificates || certificate == nullptr) return;
    const int bytes = functions.i2d_X509(static_cast<const x509_st*>(certificate), nullptr);
    if (bytes <= 0) return;
    facts.certificates[facts.certificate_count++] = {certificate,
                                                     static_cast<std::uint32_t>(bytes)};
  };
  // A server's chain is without the client's own certificate.
  if (!facts.client && functions.SSL_get0_peer_certificate != nullptr) {
    add(functions.SSL_get0_peer_certificate(ssl));
  }
  const stack_st* chain = functions.SSL_get_peer_cert_chain(ssl);
  const int count = chain == nullptr ? 0 : functions.OPENSSL_sk_num(chain);
  for (int i = 0; i < count; ++i) add(functions.OPENSSL_sk_value(chain, i));
}

void OpenSsl::encode_certificate(const TlsLibrary& library, const Certificate& certificate,
                                 std::byte* to) {
  auto* at = reinterpret_cast<unsigned char*>(to);
  (void)openssl(library).i2d_X509(static_cast<const x509_st*>(certificate.handle), &at);
}

// A call into libssl on one session.
class SslCall {
 public:
  SslCall(const OpenSsl& library, const Ssl* ssl)
      : library_(library), ssl_(ssl), call_(library, ssl) {}

  [[nodiscard]] TlsCall& tls() { return call_; }
  [[nodiscard]] bool captured() const { return call_.thread() != nullptr; }

  // The function returned `result`: what came of the handshake, and how a transfer that moved
  // nothing ended. Preserves errno.
  Transferred learn(int result) {
    if (!captured() || (result > 0 && call_.established())) return {-1};
    const int before = errno;
    const int error = result > 0 ? 0 : library_.SSL_get_error(ssl_, result);
    const bool broken = error == kErrorSsl || error == kErrorSyscall;
    if (!call_.established()) {
      const bool done = library_.SSL_is_init_finished(ssl_) != 0;
      call_.learn(done ? Handshake::kDone : broken ? Handshake::kFailed : Handshake::kGoesOn);
    }
    errno = before;
    if (error == kErrorZeroReturn) return {0};
    return {-1, broken ? broken_by(error, before) : EAGAIN};
  }

 private:
  // 0: the network, which was told when it happened.
  int broken_by(int error, int system_error) const {
    const Socket* socket = call_.connection();
    if (socket != nullptr && socket->has(kCutShort)) return abi::kTlsTruncated;
    return error == kErrorSyscall && system_error != 0 ? 0 : EPROTO;
  }

  const OpenSsl& library_;
  const Ssl* ssl_;
  TlsCall call_;
};

// A read of any form: `read(moved)` makes it, returns what libssl's function does and says how many
// bytes that were.
template <typename Read>
int receive(const OpenSsl& library, Ssl* ssl, void* buffer, std::size_t requested, Read read) {
  std::size_t moved = 0;
  SslCall call(library, ssl);
  if (!call.captured()) return read(moved);
  const int result = read(moved);
  const Transferred ended = call.learn(result);
  record_plaintext_read(call.tls(), buffer, requested,
                        moved > 0 ? Transferred{static_cast<std::int64_t>(moved)} : ended);
  return result;
}

// A write of any form, alike.
template <typename Write>
int transmit(const OpenSsl& library, Ssl* ssl, const void* bytes, std::size_t length, Write write) {
  std::size_t moved = 0;
  SslCall call(library, ssl);
  if (!call.captured()) return write(moved);
  PlaintextWrite writing(call.tls(), bytes, length);
  const int result = write(moved);
  const Transferred ended = call.learn(result);
  writing.finish(moved > 0 ? Transferred{static_cast<std::int64_t>(moved)} : ended);
  return result;
}

// A call that moves nothing of the service's.
template <typename Call>
int pass(const OpenSsl& library, Ssl* ssl, Call function) {
  SslCall call(library, ssl);
  const int result = function();
  (void)call.learn(result);
  return result;
}

std::size_t size_of(int count) { return count > 0 ? static_cast<std::size_t>(count) : 0; }

// What OpenSSL's functions return when they fail.
constexpr int kFailed = -1;
constexpr int kNotDone = 0;

// Ciphertext that neither the library nor a callback of the program moves is carried by hand.
void note_bio(const OpenSsl& library, const Bio* bio) {
  if (bio == nullptr || library.BIO_method_type == nullptr) return;
  if ((library.BIO_method_type(bio) & kDescriptorBio) == 0) expect_carried_hellos();
}

}  // namespace

extern "C" {
int hook_SSL_read(Ssl* ssl, void* buffer, int count) REPRISE_HOOK(SSL_read);
int hook_SSL_read_ex(Ssl* ssl, void* buffer, std::size_t count, std::size_t* moved)
    REPRISE_HOOK(SSL_read_ex);
int hook_SSL_peek(Ssl* ssl, void* buffer, int count) REPRISE_HOOK(SSL_peek);
int hook_SSL_peek_ex(Ssl* ssl, void* buffer, std::size_t count, std::size_t* moved)
    REPRISE_HOOK(SSL_peek_ex);
int hook_SSL_read_early_data(Ssl* ssl, void* buffer, std::size_t count, std::size_t* moved)
    REPRISE_HOOK(SSL_read_early_data);
int hook_SSL_write(Ssl* ssl, const void* bytes, int count) REPRISE_HOOK(SSL_write);
int hook_SSL_write_ex(Ssl* ssl, const void* bytes, std::size_t count, std::size_t* moved)
    REPRISE_HOOK(SSL_write_ex);
int hook_SSL_write_ex2(Ssl* ssl, const void* bytes, std::size_t count, std::uint64_t flags,
                       std::size_t* moved) REPRISE_HOOK(SSL_write_ex2);
int hook_SSL_write_early_data(Ssl* ssl, const void* bytes, std::size_t count, std::size_t* moved)
    REPRISE_HOOK(SSL_write_early_data);
ssize_t hook_SSL_sendfile(Ssl* ssl, int file, off_t offset, std::size_t count, int flags)
    REPRISE_HOOK(SSL_sendfile);
int hook_SSL_do_handshake(Ssl* ssl) REPRISE_HOOK(SSL_do_handshake);
int hook_SSL_accept(Ssl* ssl) REPRISE_HOOK(SSL_accept);
int hook_SSL_connect(Ssl* ssl) REPRISE_HOOK(SSL_connect);
int hook_SSL_shutdown(Ssl* ssl) REPRISE_HOOK(SSL_shutdown);
void hook_SSL_free(Ssl* ssl) REPRISE_HOOK(SSL_free);
void hook_SSL_set_bio(Ssl* ssl, Bio* in, Bio* out) REPRISE_HOOK(SSL_set_bio);
void hook_SSL_set0_rbio(Ssl* ssl, Bio* in) REPRISE_HOOK(SSL_set0_rbio);
}

REPRISE_HOT_CODE int hook_SSL_read(Ssl* ssl, void* buffer, int count) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  return receive(*library, ssl, buffer, size_of(count), [=](std::size_t& moved) {
    const int result = library->SSL_read(ssl, buffer, count);
    moved = size_of(result);
    return result;
  });
}

REPRISE_HOT_CODE int hook_SSL_read_ex(Ssl* ssl, void* buffer, std::size_t count,
                                      std::size_t* moved) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kNotDone;
  return receive(*library, ssl, buffer, count, [=](std::size_t& read) {
    const int result = library->SSL_read_ex(ssl, buffer, count, moved);
    if (result > 0) read = *moved;
    return result;
  });
}

int hook_SSL_peek(Ssl* ssl, void* buffer, int count) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  return pass(*library, ssl, [=] { return library->SSL_peek(ssl, buffer, count); });
}

int hook_SSL_peek_ex(Ssl* ssl, void* buffer, std::size_t count, std::size_t* moved) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kNotDone;
  return pass(*library, ssl, [=] { return library->SSL_peek_ex(ssl, buffer, count, moved); });
}

int hook_SSL_read_early_data(Ssl* ssl, void* buffer, std::size_t count, std::size_t* moved) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kNotDone;
  return receive(*library, ssl, buffer, count, [=](std::size_t& read) {
    const int result = library->SSL_read_early_data(ssl, buffer, count, moved);
    if (result == kEarlyDataSuccess) read = *moved;
    return result;
  });
}

REPRISE_HOT_CODE int hook_SSL_write(Ssl* ssl, const void* bytes, int count) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  return transmit(*library, ssl, bytes, size_of(count), [=](std::size_t& moved) {
    const int result = library->SSL_write(ssl, bytes, count);
    moved = size_of(result);
    return result;
  });
}

REPRISE_HOT_CODE int hook_SSL_write_ex(Ssl* ssl, const void* bytes, std::size_t count,
                                       std::size_t* moved) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kNotDone;
  return transmit(*library, ssl, bytes, count, [=](std::size_t& written) {
    const int result = library->SSL_write_ex(ssl, bytes, count, moved);
    if (result > 0) written = *moved;
    return result;
  });
}

int hook_SSL_write_ex2(Ssl* ssl, const void* bytes, std::size_t count, std::uint64_t flags,
                       std::size_t* moved) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kNotDone;
  return transmit(*library, ssl, bytes, count, [=](std::size_t& written) {
    const int result = library->SSL_write_ex2(ssl, bytes, count, flags, moved);
    if (result > 0) written = *moved;
    return result;
  });
}

int hook_SSL_write_early_data(Ssl* ssl, const void* bytes, std::size_t count, std::size_t* moved) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kNotDone;
  return transmit(*library, ssl, bytes, count, [=](std::size_t& written) {
    const int result = library->SSL_write_early_data(ssl, bytes, count, moved);
    if (result > 0) written = *moved;
    return result;
  });
}

// Where the kernel encrypts (kTLS), from a file.
ssize_t hook_SSL_sendfile(Ssl* ssl, int file, off_t offset, std::size_t count, int flags) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  SslCall call(*library, ssl);
  if (!call.captured()) return library->SSL_sendfile(ssl, file, offset, count, flags);
  PlaintextWrite writing(call.tls(), file, static_cast<std::uint64_t>(offset), count);
  const ssize_t result = library->SSL_sendfile(ssl, file, offset, count, flags);
  const Transferred ended = call.learn(result > 0 ? 1 : static_cast<int>(result));
  writing.finish(result > 0 ? Transferred{result} : ended);
  return result;
}

int hook_SSL_do_handshake(Ssl* ssl) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  return pass(*library, ssl, [=] { return library->SSL_do_handshake(ssl); });
}

int hook_SSL_accept(Ssl* ssl) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  return pass(*library, ssl, [=] { return library->SSL_accept(ssl); });
}

int hook_SSL_connect(Ssl* ssl) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  return pass(*library, ssl, [=] { return library->SSL_connect(ssl); });
}

int hook_SSL_shutdown(Ssl* ssl) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kFailed;
  SslCall call(*library, ssl);
  const int result = library->SSL_shutdown(ssl);
  if (call.captured() && result >= 0) call.tls().close_notified();
  return result;
}

void hook_SSL_free(Ssl* ssl) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return;
  // Before, as another thread may get the same address at once. One that others still refer to is
  // found again by its next transfer.
  forget_tls_session(ssl);
  library->SSL_free(ssl);
}

void hook_SSL_set_bio(Ssl* ssl, Bio* in, Bio* out) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return;
  note_bio(*library, in);
  library->SSL_set_bio(ssl, in, out);
}

void hook_SSL_set0_rbio(Ssl* ssl, Bio* in) {
  const OpenSsl* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return;
  note_bio(*library, in);
  library->SSL_set0_rbio(ssl, in);
}

}  // namespace reprise::agent
