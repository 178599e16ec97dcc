// The event model: the smallest recorded facts as plain data, without I/O.
//
// An Event is one fact with who (process, thread), when (two stamps) and for whom (context). Facts
// mirror the records of agent/abi/records.h with sockets already named by connection. The collector
// of the recorder makes events; the archive stores them; everything else reads them.
//
// Events of one thread are totally ordered by `position`. Events of different threads are ordered
// only where their stamps do not overlap, and the bytes of a connection by their offsets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "event/ids.h"

namespace reprise::event {

using Bytes = std::vector<std::uint8_t>;

// For whom a thing was done.
struct Context {
  enum class Kind : std::uint8_t { kBackground, kExchange, kUnattributed };
  Kind kind = Kind::kBackground;
  ExchangeId exchange;  // only for kExchange

  static constexpr Context background() { return {}; }
  static constexpr Context unattributed() { return {Kind::kUnattributed, {}}; }
  static constexpr Context of(ExchangeId exchange) { return {Kind::kExchange, exchange}; }
  friend constexpr auto operator<=>(const Context&, const Context&) = default;
};

// A socket address as the service saw it: "192.0.2.1:80", "[::1]:80", "unix:/path", "" for none.
struct Address {
  std::string text;
  Bytes raw;  // struct sockaddr
  friend auto operator<=>(const Address&, const Address&) = default;
};

// --- Facts -------------------------------------------------------------------------------------

struct ProcessStarted {
  std::string executable;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=value; only of the root, and redacted
  std::int32_t pid = 0;
  ProcessId parent;
  std::string path;         // fork path: "0", "0.2", "0.2.1"
  std::uint32_t image = 0;  // execs before this one
};

struct ModuleLoaded {
  std::string path;
  std::uint64_t begin = 0, end = 0, bias = 0;
};

struct ProcessForked {
  ProcessId child;  // none when it could not be captured
  std::uint32_t ordinal = 0;
  std::int32_t error = 0;
};

struct ProgramExecuted {
  std::string path;
  bool capturable = true;
  std::int32_t error = 0;
};

struct ProcessExited {
  enum class How : std::uint8_t { kCode, kSignal };
  How how = How::kCode;
  std::int32_t value = 0;  // exit code, or signal number
};

struct SignalReceived {
  std::int32_t number = 0, code = 0, from_pid = 0;
  std::uint64_t address = 0;
  bool fatal = false;
};

struct ThreadStarted {
  std::uint32_t ordinal = 0;  // creation ordinal in its process
  std::uint32_t creator = 0;  // ordinal of the thread that made it; == ordinal for a main thread
  std::int32_t tid = 0;
};

struct ThreadEnded {};

struct HandedOff {
  enum class Kind : std::uint8_t { kThreadCreated = 1, kGive, kTake, kDrop };
  Kind kind = Kind::kGive;
  std::uint64_t token = 0;
};

struct Listened {
  ConnectionId listener;
  Address local;
  std::int32_t error = 0;
};

struct Accepted {
  ConnectionId listener;
  ConnectionId connection;  // none when it failed
  Address local, peer;
  std::int32_t error = 0;
  std::uint64_t recorded = 0;  // replay: ConnectionId of the recording it stands for
};

struct Connected {
  ConnectionId connection;
  Address peer, local;
  std::int32_t type = 0;
  std::int32_t error = 0;  // errno of the call: 0, EINPROGRESS, ECONNREFUSED…
};

struct ConnectFinished {
  ConnectionId connection;
  std::int32_t error = 0;
};

struct Paired {
  ConnectionId first, second;
};

struct ShutDown {
  ConnectionId connection;
  std::int32_t how = 0;
  std::int32_t error = 0;
};

struct Closed {
  ConnectionId connection;
  std::uint64_t unread = 0;
};

struct BytesReceived {
  ConnectionId connection;
  std::uint64_t offset = 0;
  std::uint64_t requested = 0;
  std::int32_t error = 0;  // EAGAIN and EINTR included
  Bytes bytes;             // empty with error 0: end of stream
  bool continues = false;  // more parts of the same read follow
};

struct SendIntended {
  ConnectionId connection;
  std::uint64_t offset = 0;
  Bytes bytes;
  bool continues = false;
};

struct SendFinished {
  ConnectionId connection;
  std::uint64_t offset = 0;
  std::int64_t result = 0;
  std::int32_t error = 0;
};

// A file's bytes sent by reference. `content` names the stored bytes, none when they could not be
// read back unchanged (which is a gap).
struct FileRangeSent {
  ConnectionId connection;
  std::uint64_t offset = 0;
  std::string path;
  std::uint64_t device = 0, inode = 0, file_size = 0, modified_ns = 0, file_offset = 0, length = 0;
  std::optional<std::uint64_t> content;
};

// A file that was opened for reading before the first client came.
struct FileOpened {
  std::string path;  // absolute
  std::uint64_t device = 0, inode = 0, file_size = 0, modified_ns = 0;
  // xxh3-64 of the whole content; none when it changed meanwhile, or was not looked at for its
  // size.
  std::optional<std::uint64_t> digest;
};

// What a TLS handshake came to. From the two offsets on the connection's bytes are what was
// encrypted; handshakes and ciphertext are in no event.
struct TlsNegotiated {
  ConnectionId connection;
  std::uint64_t in_offset = 0, out_offset = 0;
  std::uint32_t version = 0;  // as on the wire (RFC 8446, 4.1.2): 0x0303 TLS 1.2, 0x0304 TLS 1.3
  bool client = false;        // the service is the client
  bool resumed = false;
  std::int32_t verdict = 0;  // on the peer's certificate, X509_V_ERR_*; 0 accepted, or not asked
  std::int32_t error = 0;    // EPROTO: the handshake failed
  std::string server_name;   // SNI (RFC 6066, 3)
  std::string protocol;      // ALPN (RFC 7301)
  std::string cipher;
  Bytes certificates;  // of the peer, its own first, each in DER
};

// BytesReceived::error of a TLS connection whose network stream ended without close_notify
// (RFC 8446, 6.1). close_notify reads as the end of the stream.
inline constexpr std::int32_t kTlsTruncated = 103;

struct Ready {
  ConnectionId connection;
  bool readable = false, writable = false, hangup = false, failed = false;
};

struct Waited {
  enum class Kind : std::uint8_t { kEpoll = 1, kPoll, kSelect };
  Kind kind = Kind::kEpoll;
  std::int64_t timeout_ns = -1;
  std::int32_t result = 0, error = 0;
  std::vector<Ready> ready;
  std::uint32_t others = 0;
};

struct ClockRead {
  std::uint8_t source = 0;  // abi::ClockSource
  std::int64_t value_ns = 0;
  std::uint64_t caller = 0;
  bool substituted = false, relaxed = false;
};

struct RandomDrawn {
  std::uint8_t source = 0;  // abi::RandomSource
  Bytes bytes;
  std::uint64_t caller = 0;
  std::int32_t error = 0;
  bool substituted = false, relaxed = false;
};

struct LookupAddress {
  std::int32_t family = 0, type = 0, protocol = 0;
  Address address;
};

struct LookedUp {
  std::string node, service, canonical_name;
  std::int32_t family = 0, type = 0, protocol = 0, flags = 0;
  std::int32_t result = 0;  // 0 or EAI_*
  std::int32_t error = 0;
  std::vector<LookupAddress> addresses;
};

// No recorder makes these two: annotated calls and entries are told as what was said on connections
// (agent/abi/sdk.h). Their tags stay taken.
struct CallAnnotated {
  std::string name;
  Bytes arguments, result;
  bool threw = false;
};

struct EntryPassed {
  std::string name;
  std::uint64_t id = 0;
  bool opened = false;
  Bytes payload;
};

struct LogWritten {
  std::uint8_t stream = 1;  // 1 stdout, 2 stderr
  Bytes bytes;
};

// Something that happened and is not here. Counted, never silent.
struct Gap {
  std::uint64_t records = 0, bytes = 0;
  std::string reason;
};

struct LeakSeen {
  std::int32_t system_call = 0;
  std::uint64_t instruction = 0;
};

// Append only: the index of an alternative is its tag in the archive.
using Fact =
    std::variant<ProcessStarted, ModuleLoaded, ProcessForked, ProgramExecuted, ProcessExited,
                 SignalReceived, ThreadStarted, ThreadEnded, HandedOff, Listened, Accepted,
                 Connected, ConnectFinished, Paired, ShutDown, Closed, BytesReceived, SendIntended,
                 SendFinished, FileRangeSent, Waited, ClockRead, RandomDrawn, LookedUp,
                 CallAnnotated, EntryPassed, LogWritten, Gap, LeakSeen, FileOpened, TlsNegotiated>;

struct Event {
  ProcessId process;
  ThreadId thread;
  std::uint64_t position = 0;  // in the thread's stream; unique and growing within the thread
  Stamp enter, exit;
  Context context;
  Fact fact;
};

// Receives events as they happen, in the order of the collector. Called on the collector's thread;
// the event lives for the call only.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(const Event& event) = 0;
};

}  // namespace reprise::event
