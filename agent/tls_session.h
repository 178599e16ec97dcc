// TLS sessions of the service, and the connections that they encrypt.
//
// A session is the library's object (SSL*, gnutls_session_t), named by its address. Nobody says
// which socket it belongs to, so that is found out in one of two ways (agent/tls_call.h):
//  - the library itself, or a callback of the program, moves bytes of a socket in the middle of a
//    call on the session;
//  - where the program carries the ciphertext between socket and library by hand (memory BIOs), by
//    the random value of the ClientHello, which both the library and the bytes of the socket have.
//
// An object's address is used again by a later one. A session whose socket is closed is forgotten
// by itself; the end of an object says so earlier.
//
// Ownership: one table in static memory, copied by a fork. Threading: any thread; one session is
// used by one thread at a time, as the libraries demand.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/abi/records.h"
#include "agent/descriptor.h"
#include "agent/payload.h"

namespace reprise::agent {

enum TlsSessionFlags : std::uint32_t {
  kEstablished = 1u << 0,      // its handshake is over, and was recorded
  kHandshakeFailed = 1u << 1,  // so was that it failed
  kOffered = 1u << 2,          // its ClientHello was offered for sends to be compared with
  kCloseNotified = 1u << 3,    // the service's close_notify was recorded
  kMadeAsClient = 1u << 4,     // the library was told so when it made the object
};

struct alignas(64) TlsSession {
  std::atomic<std::uintptr_t> object;  // 0: free
  std::atomic<abi::Cookie> cookie;     // of its socket; 0: not known
  std::uint32_t socket;                // index
  std::uint32_t flags;                 // TlsSessionFlags
  std::uint64_t in_begin;              // where in the connection's streams it began
  std::uint64_t out_begin;

  // Its open socket; null when it is not known, or closed.
  [[nodiscard]] Socket* connection() const {
    const abi::Cookie known = cookie.load(std::memory_order_relaxed);
    if (known == 0) return nullptr;
    Socket& found = descriptors().at(socket);
    const bool open = found.descriptors.load(std::memory_order_relaxed) != 0;
    return open && found.cookie.load(std::memory_order_relaxed) == known ? &found : nullptr;
  }
  // The session encrypts `socket` from here on.
  void bind(Socket& socket);
};

// More connections than a process has; the pages of those it does not have are never touched.
inline constexpr std::size_t kTlsSessions = std::size_t{1} << 16;
[[gnu::visibility("hidden")]] extern constinit TlsSession tls_sessions[kTlsSessions];

[[nodiscard]] inline std::size_t home_of(std::uintptr_t object) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15u;
  return (object >> 4) * kPrime >> 48;
}

// As below, wherever it lies.
[[nodiscard]] TlsSession* find_tls_session(const void* object);

// The session of `object`, made where there is none; null when there are too many.
[[nodiscard]] inline TlsSession* tls_session(const void* object) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(object);
  TlsSession& home = tls_sessions[home_of(wanted)];
  if (home.object.load(std::memory_order_acquire) == wanted && home.connection() != nullptr)
      [[likely]]
    return &home;
  return find_tls_session(object);
}
// The object ends.
void forget_tls_session(const void* object);

// --- Sessions whose ciphertext the program carries by hand
// -----------------------------------------

inline constexpr std::size_t kTlsRandomBytes = 32;

// The program has a session of that kind. From here on a ClientHello that a socket receives is
// taken for one's.
void expect_carried_hellos();
// A client's session has made a ClientHello with this random value.
void offer_hello(const TlsSession& session, const std::uint8_t* random);

// Whether there is any of the two below to look for.
[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> hellos_expected;
[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> hellos_offered;

[[nodiscard]] bool begins_carried_handshake(Socket& socket, Gather bytes, std::size_t length);
[[nodiscard]] bool takes_offered_hello(Socket& socket, Gather bytes, std::size_t length);

// Bytes were read from `socket`, which is no session's: whether they begin a carried handshake.
// They are in no record then.
[[nodiscard]] inline bool is_received_hello(Socket& socket, const Gather& bytes,
                                            std::size_t length) {
  return hellos_expected.load(std::memory_order_relaxed) &&
         begins_carried_handshake(socket, bytes, length);
}
// Bytes are about to be sent on `socket`, which is no session's: whether they are a ClientHello
// that was offered. Its session has the socket then.
[[nodiscard]] inline bool is_offered_hello(Socket& socket, const Gather& bytes,
                                           std::size_t length) {
  return hellos_offered.load(std::memory_order_relaxed) &&
         takes_offered_hello(socket, bytes, length);
}
// A server's session has read a ClientHello with this random value: gets the socket it came from.
void claim_received_hello(TlsSession& session, const std::uint8_t* random);

}  // namespace reprise::agent
