#include "agent/tls_call.h"

#include <errno.h>
#include <string.h>

#include "agent/connection.h"
#include "agent/hot.h"
#include "agent/log_line.h"
#include "agent/record.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// Certificates beyond these are left out.
constexpr std::uint32_t kMostCertificateBytes = 24 * 1024;

// With errno as it was.
class KeptErrno {
 public:
  KeptErrno() : before_(errno) {}
  ~KeptErrno() { errno = before_; }
  KeptErrno(const KeptErrno&) = delete;
  KeptErrno& operator=(const KeptErrno&) = delete;

 private:
  int before_;
};

}  // namespace

REPRISE_HOT_CODE TlsCall::TlsCall(const TlsLibrary& library, const void* object)
    : library_(library), object_(object), thread_(caller_on(object)) {
  if (thread_ == nullptr) return;
  flush_log_line(*thread_);
  session_ = tls_session(object);
  if (session_ == nullptr) note_loss(*thread_, 0);
  enter_ = stamp();
  outer_ = thread_->tls;
  thread_->tls = this;
}

// What a library's function calls of its own interface is no call of the service's.
REPRISE_HOT_CODE Thread* TlsCall::caller_on(const void* object) {
  Thread* thread = this_thread();
  const TlsCall* outer = thread == nullptr ? nullptr : of(*thread);
  return outer != nullptr && outer->object_ == object ? nullptr : thread;
}

REPRISE_HOT_CODE TlsCall::~TlsCall() {
  if (thread_ != nullptr) thread_->tls = outer_;
}

bool TlsCall::carries(Socket& socket) {
  if (session_ == nullptr) return false;
  Socket* known = session_->connection();
  if (known == nullptr) {
    session_->bind(socket);
    return true;
  }
  return known == &socket;
}

void TlsCall::learn(Handshake handshake) {
  if (session_ == nullptr) return;
  const KeptErrno kept;
  if (session_->connection() == nullptr) find_by_hello();
  Socket* socket = session_->connection();
  if (socket == nullptr || (session_->flags & (kEstablished | kHandshakeFailed)) != 0) return;
  if (handshake == Handshake::kGoesOn) return;
  const bool done = handshake == Handshake::kDone;
  TlsFacts facts;
  library_.describe(library_, object_, facts);
  tell(*socket, facts, done ? 0 : EPROTO);
  session_->flags |= done ? kEstablished : kHandshakeFailed;
}

void TlsCall::refused(std::int32_t verdict) {
  Socket* socket = connection();
  if (socket == nullptr) return;
  const KeptErrno kept;
  TlsFacts facts;
  library_.describe(library_, object_, facts);
  facts.verdict = verdict;
  tell(*socket, facts, 0);
}

void TlsCall::find_by_hello() {
  std::uint8_t random[kTlsRandomBytes];
  if ((session_->flags & kOffered) != 0 || !library_.client_random(library_, object_, random)) {
    return;
  }
  static constexpr std::uint8_t kNoneYet[kTlsRandomBytes] = {};
  if (memcmp(random, kNoneYet, sizeof(random)) == 0) return;
  if (!library_.is_client(library_, object_)) {
    claim_received_hello(*session_, random);
  } else {
    offer_hello(*session_, random);
    session_->flags |= kOffered;
  }
}

void TlsCall::tell(Socket& socket, const TlsFacts& facts, int error) {
  std::uint32_t certificate_bytes = 0;
  std::size_t certificates = 0;
  while (certificates < facts.certificate_count &&
         certificate_bytes + facts.certificates[certificates].bytes <= kMostCertificateBytes) {
    certificate_bytes += facts.certificates[certificates++].bytes;
  }
  const std::size_t name_bytes = strlen(facts.server_name) + 1;
  const std::size_t cipher_bytes = strlen(facts.cipher) + 1;
  const std::size_t words = name_bytes + facts.protocol_bytes + 1 + cipher_bytes;
  Record<abi::Tls> record{*thread_, abi::RecordType::kTls, enter_,
                          static_cast<std::uint32_t>(words) + certificate_bytes};
  if (!record) return;
  record->exit = stamp();
  record->socket = socket.cookie.load(std::memory_order_relaxed);
  record->in_offset = session_->in_begin;
  record->out_offset = session_->out_begin;
  record->version = facts.version;
  record->client = facts.client ? 1 : 0;
  record->resumed = facts.resumed ? 1 : 0;
  record->verdict = facts.verdict;
  record->error = error;
  record->certificate_bytes = certificate_bytes;
  std::byte* to = record.tail();
  memcpy(to, facts.server_name, name_bytes);
  to += name_bytes;
  if (facts.protocol_bytes > 0) memcpy(to, facts.protocol, facts.protocol_bytes);
  to += facts.protocol_bytes;
  *to++ = std::byte{0};
  memcpy(to, facts.cipher, cipher_bytes);
  to += cipher_bytes;
  for (std::size_t i = 0; i < certificates; ++i) {
    library_.encode(library_, facts.certificates[i], to);
    to += facts.certificates[i].bytes;
  }
  record.commit();
}

void TlsCall::close_notified() {
  Socket* socket = connection();
  if (socket == nullptr || !established() || (session_->flags & kCloseNotified) != 0) return;
  const KeptErrno kept;
  session_->flags |= kCloseNotified;
  if (Record<abi::Shutdown> record{*thread_, abi::RecordType::kShutdown, enter_}) {
    record->socket = socket->cookie.load(std::memory_order_relaxed);
    record->how = SHUT_WR;
    record->error = 0;
    record.commit();
  }
}

// --- Plaintext -----------------------------------------------------------------------------------

REPRISE_HOT_CODE void record_plaintext_read(TlsCall& call, const void* buffer,
                                            std::size_t requested, Transferred outcome) {
  Socket* socket = call.connection();
  // Nothing to tell of a handshake that goes on, nor of a broken network, which was told already.
  if (socket == nullptr || (!call.established() && outcome.result <= 0)) return;
  if (outcome.result < 0 && outcome.error == 0) return;
  Gather bytes(buffer, outcome.result > 0 ? static_cast<std::size_t>(outcome.result) : 0);
  Receiving receiving(*call.thread(), *socket, requested, call.enter());
  receiving.finish(static_cast<ssize_t>(outcome.result), outcome.error, bytes);
}

REPRISE_HOT_CODE PlaintextWrite::PlaintextWrite(TlsCall& call, const void* bytes,
                                                std::size_t length)
    : call_(call), bytes_(bytes, length), known_(bytes != nullptr), length_(length) {
  Socket* socket = call.established() ? call.connection() : nullptr;
  if (socket == nullptr || !known_) return;
  world::sending_plaintext(*call.thread(), *socket);
  // As one that does not block: what the library does not take at once is given to it again.
  sending_.emplace(*call.thread(), *socket, -1, bytes_, length, MSG_DONTWAIT);
}

PlaintextWrite::PlaintextWrite(TlsCall& call, int file, std::uint64_t offset, std::size_t length)
    : call_(call), bytes_(static_cast<const void*>(nullptr), 0), known_(false), length_(length) {
  Socket* socket = call.established() ? call.connection() : nullptr;
  if (socket == nullptr) return;
  world::sending_plaintext(*call.thread(), *socket);
  sending_.emplace(*call.thread(), *socket, file, offset, length);
}

REPRISE_HOT_CODE void PlaintextWrite::finish(Transferred outcome) {
  if (!sending_) [[unlikely]]
    begin_late(outcome.result);
  if (sending_) sending_->finish(static_cast<ssize_t>(outcome.result), outcome.error);
}

// Nothing was announced, but bytes were taken.
void PlaintextWrite::begin_late(std::int64_t taken) {
  Socket* socket = taken > 0 ? call_.connection() : nullptr;
  if (socket == nullptr) return;
  const KeptErrno kept;
  if (known_) {
    sending_.emplace(*call_.thread(), *socket, -1, bytes_, length_, MSG_DONTWAIT, call_.enter());
    return;
  }
  // More of what an earlier call was given and did not take.
  socket->out_offset.fetch_add(static_cast<std::uint64_t>(taken), std::memory_order_relaxed);
  record_gap(*call_.thread(), static_cast<std::uint64_t>(taken));
}

// --- Ciphertext ----------------------------------------------------------------------------------

void disown_hello(Thread& thread, Socket& socket) {
  socket.clear(kHelloKept);
  socket.clear(kCiphertext);
  record_gap(thread, 0);
}

REPRISE_HOT_CODE void note_ciphertext_read(Thread& thread, Socket& socket, ssize_t result) {
  if (result > 0) return;
  if (result == 0) {
    socket.set(kCutShort);
    return;
  }
  if (errno == EAGAIN || errno == EINTR) return;
  Gather nothing(static_cast<const void*>(nullptr), 0);
  Receiving(thread, socket, 0).finish(-1, errno, nothing);
}

}  // namespace reprise::agent
