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

struct TlsSession {
  std::atomic<std::uintptr_t> object;  // 0: free
  std::atomic<abi::Cookie> cookie;     // of its socket; 0: not known
  std::uint32_t socket;                // index
  std::uint32_t flags;                 // TlsSessionFlags
  std::uint64_t in_begin;              // where in the connection's streams it began
  std::uint64_t out_begin;

  // Its open socket; null when it is not known, or closed.
  [[nodiscard]] Socket* connection() const;
  // The session encrypts `socket` from here on.
  void bind(Socket& socket);
};

// The session of `object`, made where there is none; null when there are too many.
[[nodiscard]] TlsSession* tls_session(const void* object);
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

// Bytes were read from `socket`, which is no session's: whether they begin a carried handshake.
// They are in no record then.
[[nodiscard]] bool is_received_hello(Socket& socket, Gather bytes, std::size_t length);
// Bytes are about to be sent on `socket`, which is no session's: whether they are a ClientHello
// that was offered. Its session has the socket then.
[[nodiscard]] bool is_offered_hello(Socket& socket, Gather bytes, std::size_t length);
// A server's session has read a ClientHello with this random value: gets the socket it came from.
void claim_received_hello(TlsSession& session, const std::uint8_t* random);

}  // namespace reprise::agent
