// A call of the service into a TLS library, on one session.
//
// What the service reads and writes through the library is recorded as the bytes of its connection
// (Plaintext below); what the library moves on the socket for it is not. Neither are handshakes,
// but for what they came to.
//
//   TlsCall call(library, ssl);                 // on the thread, for the time of the call
//   const int result = library.read(ssl, ...);
//   call.learn(Handshake::kDone);               // as far as the library says
//
// Threading: the calling thread's own; nests, as one session may carry another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "agent/connection.h"
#include "agent/descriptor.h"
#include "agent/payload.h"
#include "agent/thread.h"
#include "agent/tls_session.h"

namespace reprise::agent {

// One certificate in DER, of the library's memory.
struct Certificate {
  const void* handle;   // the library's
  std::uint32_t bytes;  // of its encoding
};

// What a library tells of a session whose handshake is over.
struct TlsFacts {
  static constexpr std::size_t kMostCertificates = 8;

  std::uint32_t version = 0;  // as abi::Tls has them
  bool client = false;
  bool resumed = false;
  std::int32_t verdict = 0;
  const char* server_name = "";
  const char* cipher = "";
  const void* protocol = nullptr;  // of ALPN
  std::size_t protocol_bytes = 0;
  Certificate certificates[kMostCertificates];
  std::size_t certificate_count = 0;
  char text[256] = "";  // room for a name that has to be copied
};

// A TLS library, of which a process may have several (agent/hooks/openssl.cc,
// agent/hooks/gnutls.cc). `object` is one of its sessions.
struct TlsLibrary {
  // The random value of the session's ClientHello, kTlsRandomBytes; false, or zeros, when there is
  // none yet.
  bool (*client_random)(const TlsLibrary& library, const void* object, std::uint8_t* random);
  bool (*is_client)(const TlsLibrary& library, const void* object);
  void (*describe)(const TlsLibrary& library, const void* object, TlsFacts& facts);
  void (*encode)(const TlsLibrary& library, const Certificate& certificate, std::byte* to);
};

// How far the session's handshake is after a call.
enum class Handshake : std::uint8_t { kGoesOn, kDone, kFailed };

class TlsCall {
 public:
  TlsCall(const TlsLibrary& library, const void* object);
  ~TlsCall();
  TlsCall(const TlsCall&) = delete;
  TlsCall& operator=(const TlsCall&) = delete;

  // The innermost call that `thread` is in, null outside. One that was left by longjmp or by an
  // exception of a callback lies below this frame, and is over.
  [[nodiscard]] static TlsCall* of(Thread& thread) {
    TlsCall* call = thread.tls;
    if (call == nullptr) [[likely]]
      return nullptr;
    if (static_cast<const void*>(call) < __builtin_frame_address(0)) thread.tls = nullptr;
    return thread.tls;
  }

  // Null when the agent stands aside, or the library makes the call itself in the middle of
  // another: then it is only to be made.
  [[nodiscard]] Thread* thread() const { return thread_; }
  // What the session encrypts; null when that is not known.
  [[nodiscard]] Socket* connection() const {
    return session_ == nullptr ? nullptr : session_->connection();
  }
  // The handshake was over before this call, or learn() said so.
  [[nodiscard]] bool established() const {
    return session_ != nullptr && (session_->flags & kEstablished) != 0;
  }

  // The call was made: finds the connection, and records what came of the handshake. Preserves
  // errno.
  void learn(Handshake handshake);
  // The service looked at the peer's certificate after the handshake and did not accept it.
  void refused(std::int32_t verdict);
  // close_notify was sent.
  void close_notified();

  // When it began.
  [[nodiscard]] std::uint64_t enter() const { return enter_; }

  // `socket` is used in the middle of this call: whether that is for the session.
  [[nodiscard]] bool carries(Socket& socket);

 private:
  static Thread* caller_on(const void* object);
  void find_by_hello();
  void tell(Socket& socket, const TlsFacts& facts, int error);

  const TlsLibrary& library_;
  const void* const object_;
  Thread* const thread_;
  TlsSession* session_ = nullptr;
  TlsCall* outer_ = nullptr;
  std::uint64_t enter_ = 0;
};

// --- Plaintext
// ---------------------------------------------------------------------------------------

// How a call to read or write ended, in the terms of the socket calls: bytes, 0 at the end of the
// stream, or -1 with an errno.
struct Transferred {
  std::int64_t result;
  int error = 0;
};

// A read through the library returned, and learn() was called. Its bytes lie in `buffer`, of which
// there are `requested`. Preserves errno.
void record_plaintext_read(TlsCall& call, const void* buffer, std::size_t requested,
                           Transferred outcome);

// A write through the library of `length` bytes, or of a range of a file.
class PlaintextWrite {
 public:
  PlaintextWrite(TlsCall& call, const void* bytes, std::size_t length);
  PlaintextWrite(TlsCall& call, int file, std::uint64_t offset, std::size_t length);
  // Preserves errno.
  void finish(Transferred outcome);

 private:
  void begin_late(std::int64_t taken);

  TlsCall& call_;
  Gather bytes_;
  const bool known_;  // what the bytes are
  std::size_t length_;
  std::optional<Sending> sending_;  // none before the handshake: then all is told afterwards
};

// --- Ciphertext
// --------------------------------------------------------------------------------------

// Whether the bytes that the service is about to move on `socket` belong to a TLS session, and are
// in no record.
[[nodiscard]] inline bool is_ciphertext(Thread& thread, Socket& socket) {
  if (thread.tls == nullptr && !socket.has(kCiphertext)) [[likely]]
    return false;
  if (socket.has(kCiphertext)) return true;
  TlsCall* call = TlsCall::of(thread);
  return call != nullptr && call->carries(socket);
}

// A ClientHello was kept back, and the program answers it without a session that we know: the bytes
// of the connection are recorded from here on, and what was kept back is missing.
void disown_hello(Thread& thread, Socket& socket);

// Such a transfer returned: what its outcome tells of the connection. Preserves errno.
void note_ciphertext_read(Thread& thread, Socket& socket, ssize_t result);

}  // namespace reprise::agent
