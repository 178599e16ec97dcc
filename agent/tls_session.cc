#include "agent/tls_session.h"

#include <string.h>

#include "agent/hot.h"
#include "agent/payload.h"

namespace reprise::agent {

REPRISE_HOT constinit std::atomic<bool> hellos_expected{false};
REPRISE_HOT constinit std::atomic<bool> hellos_offered{false};
constinit TlsSession tls_sessions[kTlsSessions]{};

namespace {

constexpr std::size_t kProbes = 32;

bool is_stale(const TlsSession& session) {
  return session.cookie.load(std::memory_order_relaxed) != 0 && session.connection() == nullptr;
}

void unbind(TlsSession& session) {
  session.cookie.store(0, std::memory_order_relaxed);
  session.flags &= kMadeAsClient;
}

// --- ClientHellos under way
// ------------------------------------------------------------------------

// As a record of its own (RFC 8446, 5.1 and 4.1.2): type 22, version 3.x, length (2), then type 1,
// length (3), version (2), random (32).
constexpr std::size_t kRandomAt = 11;
constexpr std::size_t kHelloBytes = kRandomAt + kTlsRandomBytes;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHello = 1;

// Which socket received, or which session made, the ClientHello of that random value, of which 64
// bits are as good as all. The oldest make room.
struct Hello {
  std::atomic<std::uint64_t> random;  // 0: none
  std::atomic<std::uint64_t> whose;   // index of the socket or session
};
class Hellos {
 public:
  void put(std::uint64_t random, std::uint64_t whose) {
    Hello& hello = hellos_[next_.fetch_add(1, std::memory_order_relaxed) % kHellos];
    hello.random.store(0, std::memory_order_relaxed);
    hello.whose.store(whose, std::memory_order_release);
    hello.random.store(random, std::memory_order_release);
  }
  // False when there is none.
  bool take(std::uint64_t random, std::uint64_t& whose) {
    for (Hello& hello : hellos_) {
      std::uint64_t wanted = random;
      if (hello.random.load(std::memory_order_acquire) != wanted) continue;
      whose = hello.whose.load(std::memory_order_acquire);
      return hello.random.compare_exchange_strong(wanted, 0, std::memory_order_acq_rel);
    }
    return false;
  }

 private:
  static constexpr std::size_t kHellos = 256;
  Hello hellos_[kHellos]{};
  std::atomic<std::uint64_t> next_{0};
};

constinit Hellos offered;
constinit Hellos received;

std::uint64_t key_of(const std::uint8_t* random) {
  std::uint64_t key;
  memcpy(&key, random, sizeof(key));
  return key;
}

// The key of the ClientHello that `bytes` begin with, 0 when they do not.
std::uint64_t hello_key(Gather bytes, std::size_t length) {
  std::uint8_t head[kHelloBytes];
  if (length < kHelloBytes || !bytes.copy(reinterpret_cast<std::byte*>(head), kHelloBytes))
    return 0;
  if (head[0] != kHandshakeRecord || head[1] != 3 || head[5] != kClientHello) return 0;
  return key_of(head + kRandomAt);
}

}  // namespace

void TlsSession::bind(Socket& to) {
  socket = to.index();
  in_begin = to.in_offset.load(std::memory_order_relaxed);
  out_begin = to.out_offset.load(std::memory_order_relaxed);
  flags &= kMadeAsClient;
  to.set(kCiphertext);
  to.clear(kHelloKept);
  cookie.store(to.cookie.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

TlsSession* find_tls_session(const void* object) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(object);
  const std::size_t home = home_of(wanted);
  TlsSession* room = nullptr;
  for (std::size_t i = 0; i < kProbes; ++i) {
    TlsSession& session = tls_sessions[(home + i) % kTlsSessions];
    const std::uintptr_t known = session.object.load(std::memory_order_acquire);
    if (known == wanted) {
      if (is_stale(session)) unbind(session);  // the object was made ready for another connection
      return &session;
    }
    if (room == nullptr && (known == 0 || is_stale(session))) room = &session;
  }
  if (room == nullptr) return nullptr;
  std::uintptr_t before = room->object.load(std::memory_order_relaxed);
  if (before != 0 && !is_stale(*room)) return nullptr;
  if (!room->object.compare_exchange_strong(before, wanted, std::memory_order_acq_rel)) {
    return nullptr;  // another thread was faster; the next call finds its place
  }
  unbind(*room);
  room->flags = 0;
  return room;
}

void forget_tls_session(const void* object) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(object);
  const std::size_t home = home_of(wanted);
  for (std::size_t i = 0; i < kProbes; ++i) {
    TlsSession& session = tls_sessions[(home + i) % kTlsSessions];
    if (session.object.load(std::memory_order_acquire) != wanted) continue;
    unbind(session);
    session.object.store(0, std::memory_order_release);
    return;
  }
}

void expect_carried_hellos() { hellos_expected.store(true, std::memory_order_relaxed); }

void offer_hello(const TlsSession& session, const std::uint8_t* random) {
  offered.put(key_of(random), static_cast<std::uint64_t>(&session - tls_sessions));
  hellos_offered.store(true, std::memory_order_release);
}

bool begins_carried_handshake(Socket& socket, Gather bytes, std::size_t length) {
  const std::uint64_t key = hello_key(bytes, length);
  if (key == 0) return false;
  received.put(key, socket.index());
  socket.set(kCiphertext);
  socket.set(kHelloKept);
  return true;
}

bool takes_offered_hello(Socket& socket, Gather bytes, std::size_t length) {
  const std::uint64_t key = hello_key(bytes, length);
  std::uint64_t whose = 0;
  if (key == 0 || !offered.take(key, whose)) return false;
  tls_sessions[whose].bind(socket);
  return true;
}

void claim_received_hello(TlsSession& session, const std::uint8_t* random) {
  std::uint64_t whose = 0;
  if (!received.take(key_of(random), whose)) return;
  session.bind(descriptors().at(static_cast<std::uint32_t>(whose)));
}

}  // namespace reprise::agent
