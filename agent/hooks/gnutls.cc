// GnuTLS's sessions: what the service reads and writes through them is recorded in the clear,
// whatever carries the ciphertext (agent/tls_call.h).
//
// libgnutls is the service's, or not there: its types are opaque here, and its functions are looked
// up in the copy that the caller is bound to. Not seen: DTLS, gnutls_record_send_range, early data.
#include <errno.h>
#include <string.h>

#include "agent/caller_library.h"
#include "agent/hooks/hook.h"
#include "agent/system_call.h"
#include "agent/tls_call.h"
#include "agent/world/world.h"

// Of <gnutls/gnutls.h>.
extern "C" {
struct gnutls_session_int;
struct mbuffer_st;
}

namespace reprise::agent {
namespace {

using Session = gnutls_session_int*;
using Packet = mbuffer_st*;

struct Datum {
  unsigned char* data;
  unsigned size;
};

// clang-format off
#define REPRISE_GNUTLS(X)                                                                           \
  X(int, gnutls_init, Session*, unsigned)                                                           \
  X(void, gnutls_deinit, Session)                                                                   \
  X(int, gnutls_handshake, Session)                                                                 \
  X(int, gnutls_bye, Session, int)                                                                  \
  X(ssize_t, gnutls_record_recv, Session, void*, std::size_t)                                       \
  X(ssize_t, gnutls_record_recv_seq, Session, void*, std::size_t, unsigned char*)                   \
  X(ssize_t, gnutls_record_recv_packet, Session, Packet*)                                           \
  X(ssize_t, gnutls_record_send, Session, const void*, std::size_t)                                 \
  X(ssize_t, gnutls_record_send2, Session, const void*, std::size_t, std::size_t, unsigned)         \
  X(ssize_t, gnutls_record_send_file, Session, int, off_t*, std::size_t)                            \
  X(int, gnutls_certificate_verify_peers, Session, void*, unsigned, unsigned*)                      \
  X(int, gnutls_certificate_verify_peers2, Session, unsigned*)                                      \
  X(int, gnutls_certificate_verify_peers3, Session, const char*, unsigned*)                         \
  X(void, gnutls_packet_get, Packet, Datum*, unsigned char*)                                        \
  X(void, gnutls_session_get_random, Session, Datum*, Datum*)                                       \
  X(int, gnutls_protocol_get_version, Session)                                                      \
  X(int, gnutls_session_is_resumed, Session)                                                        \
  X(unsigned, gnutls_session_get_verify_cert_status, Session)                                       \
  X(const char*, gnutls_ciphersuite_get, Session)                                                   \
  X(int, gnutls_server_name_get, Session, void*, std::size_t*, unsigned*, unsigned)                 \
  X(int, gnutls_alpn_get_selected_protocol, Session, Datum*)                                        \
  X(const Datum*, gnutls_certificate_get_peers, Session, unsigned*)
#define REPRISE_DECLARE(result, name, ...) result (*name)(__VA_ARGS__);
#define REPRISE_RESOLVE(result, name, ...)                                                          \
  name = reinterpret_cast<result (*)(__VA_ARGS__)>(find_function(object, #name));
// clang-format on

struct GnuTls : TlsLibrary {
  REPRISE_GNUTLS(REPRISE_DECLARE)

  void resolve(const link_map& object) {
    REPRISE_GNUTLS(REPRISE_RESOLVE)
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

constinit CallerLibrary<GnuTls> libraries("gnutls_record_recv");

// Values of the header above.
constexpr unsigned kClient = 1u << 1;            // GNUTLS_CLIENT
constexpr int kAgain = -28, kInterrupted = -52;  // GNUTLS_E_*
constexpr int kPrematureTermination = -110;
constexpr int kInvalidRequest = -50;
constexpr int kTls10 = 2, kTls13 = 5;  // GNUTLS_TLS1_0…
constexpr std::uint32_t kWireTls10 = 0x0301;
constexpr unsigned kNotVerified = ~0u;  // gnutls_session_get_verify_cert_status
constexpr std::int32_t kRefused = 1;    // X509_V_ERR_UNSPECIFIED

const GnuTls& gnutls(const TlsLibrary& library) { return static_cast<const GnuTls&>(library); }
Session session(const void* object) { return static_cast<Session>(const_cast<void*>(object)); }

bool GnuTls::read_client_random(const TlsLibrary& library, const void* object,
                                std::uint8_t* random) {
  Datum client{}, server{};
  gnutls(library).gnutls_session_get_random(session(object), &client, &server);
  if (client.size != kTlsRandomBytes || client.data == nullptr) return false;
  memcpy(random, client.data, kTlsRandomBytes);
  return true;
}

bool GnuTls::acts_as_client(const TlsLibrary&, const void* object) {
  const TlsSession* known = tls_session(object);
  return known != nullptr && (known->flags & kMadeAsClient) != 0;
}

void GnuTls::fill_facts(const TlsLibrary& library, const void* object, TlsFacts& facts) {
  const GnuTls& functions = gnutls(library);
  Session of = session(object);
  const int version = functions.gnutls_protocol_get_version(of);
  if (version >= kTls10 && version <= kTls13) {
    facts.version = kWireTls10 + static_cast<std::uint32_t>(version - kTls10);
  }
  facts.client = acts_as_client(library, object);
  facts.resumed = functions.gnutls_session_is_resumed(of) != 0;
  const unsigned status = functions.gnutls_session_get_verify_cert_status(of);
  if (status != 0 && status != kNotVerified) facts.verdict = kRefused;
  if (functions.gnutls_ciphersuite_get != nullptr) {
    const char* cipher = functions.gnutls_ciphersuite_get(of);
    if (cipher != nullptr) facts.cipher = cipher;
  }
  std::size_t name_bytes = sizeof(facts.text) - 1;
  unsigned type = 0;
  if (functions.gnutls_server_name_get(of, facts.text, &name_bytes, &type, 0) == 0) {
    facts.text[name_bytes < sizeof(facts.text) ? name_bytes : 0] = '\0';
    facts.server_name = facts.text;
  }
  Datum protocol{};
  if (functions.gnutls_alpn_get_selected_protocol(of, &protocol) == 0) {
    facts.protocol = protocol.data;
    facts.protocol_bytes = protocol.size;
  }
  unsigned count = 0;
  const Datum* peers = functions.gnutls_certificate_get_peers(of, &count);
  for (unsigned i = 0; peers != nullptr && i < count && i < TlsFacts::kMostCertificates; ++i) {
    facts.certificates[facts.certificate_count++] = {peers[i].data, peers[i].size};
  }
}

void GnuTls::encode_certificate(const TlsLibrary&, const Certificate& certificate, std::byte* to) {
  memcpy(to, certificate.handle, certificate.bytes);
}

// How a transfer that returned `result` ended, after the handshake.
Transferred outcome_of(const TlsCall& call, std::int64_t result) {
  if (result >= 0) return {result};
  if (result == kAgain) return {-1, EAGAIN};
  if (result == kInterrupted) return {-1, EINTR};
  const Socket* socket = call.connection();
  const bool cut = socket != nullptr && socket->has(kCutShort);
  return {-1, result == kPrematureTermination || cut ? abi::kTlsTruncated : EPROTO};
}

template <typename Read>
ssize_t receive(const GnuTls& library, Session of, void* buffer, std::size_t count, Read read) {
  TlsCall call(library, of);
  if (call.thread() == nullptr) return read();
  const ssize_t result = read();
  record_plaintext_read(call, buffer, count, outcome_of(call, result));
  return result;
}

template <typename Write>
ssize_t transmit(const GnuTls& library, Session of, const void* bytes, std::size_t count,
                 Write write) {
  TlsCall call(library, of);
  if (call.thread() == nullptr) return write();
  PlaintextWrite writing(call, count == 0 ? nullptr : bytes, count);
  const ssize_t result = write();
  writing.finish(outcome_of(call, result));
  return result;
}

// The service looks at the peer's certificate: tells when it does not please.
template <typename Verify>
int look_at_peer(const GnuTls& library, Session of, unsigned* status, Verify verify) {
  TlsCall call(library, of);
  if (call.thread() == nullptr) return verify();
  const int result = world::verify_peer(
      call.connection(), status, [](void* context) { return (*static_cast<Verify*>(context))(); },
      &verify);
  if (result < 0 || *status != 0) call.refused(kRefused);
  return result;
}

}  // namespace

extern "C" {
int hook_gnutls_init(Session* of, unsigned flags) REPRISE_HOOK(gnutls_init);
void hook_gnutls_deinit(Session of) REPRISE_HOOK(gnutls_deinit);
int hook_gnutls_handshake(Session of) REPRISE_HOOK(gnutls_handshake);
int hook_gnutls_bye(Session of, int how) REPRISE_HOOK(gnutls_bye);
ssize_t hook_gnutls_record_recv(Session of, void* buffer, std::size_t count)
    REPRISE_HOOK(gnutls_record_recv);
ssize_t hook_gnutls_record_recv_seq(Session of, void* buffer, std::size_t count,
                                    unsigned char* sequence) REPRISE_HOOK(gnutls_record_recv_seq);
ssize_t hook_gnutls_record_recv_packet(Session of, Packet* packet)
    REPRISE_HOOK(gnutls_record_recv_packet);
ssize_t hook_gnutls_record_send(Session of, const void* bytes, std::size_t count)
    REPRISE_HOOK(gnutls_record_send);
ssize_t hook_gnutls_record_send2(Session of, const void* bytes, std::size_t count, std::size_t pad,
                                 unsigned flags) REPRISE_HOOK(gnutls_record_send2);
ssize_t hook_gnutls_record_send_file(Session of, int file, off_t* offset, std::size_t count)
    REPRISE_HOOK(gnutls_record_send_file);
int hook_gnutls_certificate_verify_peers(Session of, void* data, unsigned elements,
                                         unsigned* status)
    REPRISE_HOOK(gnutls_certificate_verify_peers);
int hook_gnutls_certificate_verify_peers2(Session of, unsigned* status)
    REPRISE_HOOK(gnutls_certificate_verify_peers2);
int hook_gnutls_certificate_verify_peers3(Session of, const char* name, unsigned* status)
    REPRISE_HOOK(gnutls_certificate_verify_peers3);
}

int hook_gnutls_init(Session* of, unsigned flags) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  const int result = library->gnutls_init(of, flags);
  if (result < 0 || this_thread() == nullptr) return result;
  TlsSession* made = tls_session(*of);
  if (made != nullptr && (flags & kClient) != 0) made->flags |= kMadeAsClient;
  return result;
}

void hook_gnutls_deinit(Session of) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return;
  forget_tls_session(of);
  library->gnutls_deinit(of);
}

int hook_gnutls_handshake(Session of) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  TlsCall call(*library, of);
  const int result = library->gnutls_handshake(of);
  if (call.thread() == nullptr) return result;
  const bool goes_on = result == kAgain || result == kInterrupted;
  call.learn(result == 0 ? Handshake::kDone : goes_on ? Handshake::kGoesOn : Handshake::kFailed);
  return result;
}

int hook_gnutls_bye(Session of, int how) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  TlsCall call(*library, of);
  const int result = library->gnutls_bye(of, how);
  if (call.thread() != nullptr && result == 0) call.close_notified();
  return result;
}

ssize_t hook_gnutls_record_recv(Session of, void* buffer, std::size_t count) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return receive(*library, of, buffer, count,
                 [=] { return library->gnutls_record_recv(of, buffer, count); });
}

ssize_t hook_gnutls_record_recv_seq(Session of, void* buffer, std::size_t count,
                                    unsigned char* sequence) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return receive(*library, of, buffer, count,
                 [=] { return library->gnutls_record_recv_seq(of, buffer, count, sequence); });
}

// Whole records, in the library's memory.
ssize_t hook_gnutls_record_recv_packet(Session of, Packet* packet) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  TlsCall call(*library, of);
  if (call.thread() == nullptr) return library->gnutls_record_recv_packet(of, packet);
  const ssize_t result = library->gnutls_record_recv_packet(of, packet);
  Datum bytes{};
  if (result > 0) library->gnutls_packet_get(*packet, &bytes, nullptr);
  // One more than there is: it ended with its record.
  record_plaintext_read(call, bytes.data, bytes.size + std::size_t{1}, outcome_of(call, result));
  return result;
}

ssize_t hook_gnutls_record_send(Session of, const void* bytes, std::size_t count) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return transmit(*library, of, bytes, count,
                  [=] { return library->gnutls_record_send(of, bytes, count); });
}

ssize_t hook_gnutls_record_send2(Session of, const void* bytes, std::size_t count, std::size_t pad,
                                 unsigned flags) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return transmit(*library, of, bytes, count,
                  [=] { return library->gnutls_record_send2(of, bytes, count, pad, flags); });
}

ssize_t hook_gnutls_record_send_file(Session of, int file, off_t* offset, std::size_t count) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  TlsCall call(*library, of);
  if (call.thread() == nullptr) return library->gnutls_record_send_file(of, file, offset, count);
  const long from = offset != nullptr ? *offset : system_call(SYS_lseek, file, 0, SEEK_CUR);
  PlaintextWrite writing(call, file, failed(from) ? 0 : static_cast<std::uint64_t>(from), count);
  const ssize_t result = library->gnutls_record_send_file(of, file, offset, count);
  writing.finish(outcome_of(call, result));
  return result;
}

int hook_gnutls_certificate_verify_peers(Session of, void* data, unsigned elements,
                                         unsigned* status) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return look_at_peer(*library, of, status, [=] {
    return library->gnutls_certificate_verify_peers(of, data, elements, status);
  });
}

int hook_gnutls_certificate_verify_peers2(Session of, unsigned* status) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return look_at_peer(*library, of, status,
                      [=] { return library->gnutls_certificate_verify_peers2(of, status); });
}

int hook_gnutls_certificate_verify_peers3(Session of, const char* name, unsigned* status) {
  const GnuTls* library = libraries.find(REPRISE_CALLER());
  if (library == nullptr) return kInvalidRequest;
  return look_at_peer(*library, of, status,
                      [=] { return library->gnutls_certificate_verify_peers3(of, name, status); });
}

}  // namespace reprise::agent
