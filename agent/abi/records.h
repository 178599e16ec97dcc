// The records a thread writes into its segments, in the order in which it did things.
//
// A record is RecordHeader, a body of the type that `type` names, and `size - sizeof(header) -
// sizeof(body)` bytes of tail (padding to 8 is told by `padding`). The agent parses nothing and
// attributes nothing: which exchange a record belongs to follows from the order of the records of
// its thread, and the collector works it out.
//
// Payloads longer than fit a segment are split: every part but the last carries kContinues, and
// each part has its own stream offset, so parts read as neighbouring reads or sends. A large
// non-blocking send is announced only in part: its last SendIntent before the call carries
// kContinues too, and what the kernel took beyond is announced between the call and SendResult. One
// that has no such part took no more than was announced, and one without a SendResult (the service
// was killed) may have.
//
// What an earlier record of the same segment says already need not be said again: a *brief* record
// (kBrief) names the place instead.
#pragma once

#include <atomic>
#include <cstdint>

namespace reprise::abi {

// Of the records below. Archives hold them (archive/journal.h), so bump it when any of them changes
// in place; then recorder/derivation.h must still know those of versions that were released.
inline constexpr std::uint32_t kRecordVersion = 3;

enum class RecordType : std::uint8_t {
  kProcessStart = 1,  // ProcessStart, tail: executable path \0 argv[0] \0 argv[1] \0 …
  kModule,            // Module, tail: path; one for each loaded object, at start and after dlopen
  kFork,              // Fork; of a program that is spawned it may come before that has begun
  kExec,              // Exec, tail: path
  kExit,              // Exit: orderly, by exit or _exit or return from main
  kFatalSignal,       // Signal: written by the agent's own handler, or absent (SIGKILL)
  kSignal,            // Signal: delivered to a handler of the service
  kThreadStart,       // ThreadStart
  kThreadEnd,         // no body
  kHandOff,           // HandOff
  kListen,            // Listen
  kAccept,            // Accept
  kConnect,           // Connect
  kConnectResult,     // ConnectResult: of a non-blocking connect, when the service learnt it
  kPair,              // Pair: socketpair; both ends inside the service
  kShutdown,          // Shutdown
  kClose,             // Close: the last descriptor of this process for that socket
  kBytesIn,           // BytesIn, tail: bytes
  kSendIntent,        // SendIntent, tail: bytes; before the system call
  kSendResult,        // SendResult; after it
  kFileRange,         // FileRange, tail: path \0, or nothing when this process, or the one it was
                      // forked from, has told it of this file (device, inode, modified_ns) before;
                      // sendfile by reference; before the call
  kWait,              // Wait, tail: Ready[ready]; one record when a readiness wait returned
  kClock,             // Clock
  kRandom,            // Random, tail: the bytes drawn
  kLookup,            // Lookup, tail: node \0 service \0 then LookupAddress[count]
  kLog,               // Log, tail: bytes written to stdout or stderr
  kGap,               // Gap: records this thread had to drop before this one
  kLeak,              // Leak: replay only; a system call that escaped the hooks
  kEnvironment,       // tail: NAME=value \0 …; what getenv-visible state the process started with
  kFileOpened,  // FileOpened, tail: path \0; a file opened for reading before the first client
  kTls,  // Tls, tail: server name \0 protocol \0 cipher \0 then the peer's certificates in DER, one
         // behind the other, its own first; a TLS handshake is over
  kPassed,  // Passed: a descriptor of a stream socket goes to another process, or came from one
};

enum RecordFlags : std::uint8_t {
  kContinues = 1u << 0,    // more parts of the same payload follow
  kUnordered = 1u << 1,    // made in a signal handler, which may have interrupted another hook
  kSubstituted = 1u << 2,  // replay: the value came from the tape
  kRelaxed = 1u << 3,      // replay: draw past its recorded place (last value plus step, generator)
  kBrief = 1u << 4,        // in place of a payload there is an Earlier; or it is Compact
};

// Bytes of the same segment: they begin `back` bytes before the record that says so. In the tail of
// a record that would have a payload of `length` bytes equal to these.
struct Earlier {
  std::uint32_t back;
  std::uint32_t length;
};

// A whole record of a Clock or a SendResult, told by another one that begins `back` units of 8
// bytes before it. With kClock it is a read of the same clock for the same caller, `later` ns after
// that one in value and stamp. With kSendResult all of the SendIntent there was taken; the record
// is directly in front of this one, and the call returned `later` stamps after its enter.
struct Compact {
  std::uint32_t later;  // << 3, with kCompactMark in its last bits; stored with the rest
  RecordType type;
  std::uint8_t flags;  // kBrief among them
  std::uint16_t back;
};
static_assert(sizeof(Compact) == 8);
// No size ends with these bits: they tell that there is none.
inline constexpr std::uint32_t kCompactMark = 1;
inline constexpr std::uint32_t kMostLater = (1u << 29) - 1;
// Bytes of a record that begins with this word; 0 while it is not there yet. What is no size and
// no mark is damage.
[[nodiscard]] constexpr std::uint32_t record_size(std::uint32_t first_word) {
  return (first_word & 7) == kCompactMark ? sizeof(Compact) : first_word;
}

struct RecordHeader {
  std::atomic<std::uint32_t> size;  // whole record, a multiple of 8; stored last; 0 = not there yet
  RecordType type;
  std::uint8_t flags;    // RecordFlags
  std::uint8_t padding;  // unused bytes at the end of the tail, 0..7
  std::uint8_t
      source;  // ClockSource, RandomSource, Stream, WaitKind, LookupKind, GapReason; else 0
  std::uint64_t enter;  // stamp before the call; of a Clock about when it was read
};
static_assert(sizeof(RecordHeader) == 16);

// A socket's name across dup, fork and descriptor passing: the kernel's SO_COOKIE. Connections that
// only the SDK's words make (agent/abi/sdk.h) have names of their own, with the highest bit set.
using Cookie = std::uint64_t;
inline constexpr Cookie kSpokenCookie = Cookie{1} << 63;

// A struct sockaddr as the kernel has it; length 0 when there is none.
struct SocketAddress {
  std::uint16_t length;
  std::uint8_t bytes[110];
};

// The address of a peer, or of a listener, that only the SDK's words make: an abstract Unix address
// (unix(7)) of this prefix, the zero byte before it left out. "reprise/annotated" is the peer of
// all annotated calls, "reprise/entry:NAME" where the inputs of a source come in.
inline constexpr char kSpokenPrefix[] = "reprise/";

struct ProcessStart {
  std::uint64_t exit;
  std::uint32_t process;  // ProcessSlot
  std::uint32_t image;    // 0, or how many execs came before
  std::int32_t pid;
  std::int32_t parent_pid;
  std::uint32_t arguments;  // strings in the tail after the path
  std::uint32_t reserved;
};

struct Module {
  std::uint64_t begin;  // loaded addresses [begin, end) of the object's code
  std::uint64_t end;
  std::uint64_t bias;  // what was added to its ELF addresses
};

struct Fork {
  std::uint64_t exit;
  std::uint32_t child;    // ProcessSlot of the child, kNone when none was free
  std::uint32_t ordinal;  // of the child among its parent's
  std::int32_t child_pid;
  std::int32_t error;
};

struct Exec {
  std::uint32_t capturable;  // 1: the new image will load the agent as far as we can tell
  std::int32_t error;        // 0 when announced (written before); errno when it came back
};

struct Exit {
  std::int32_t code;
  std::uint32_t reserved;
};

struct Signal {
  std::int32_t number;
  std::int32_t code;      // si_code
  std::int32_t from_pid;  // si_pid when the code says it is valid
  std::uint32_t reserved;
  std::uint64_t address;  // si_addr of a fault
};

struct ThreadStart {
  std::uint32_t ordinal;
  std::uint32_t creator;  // ordinal of the creating thread
  std::int32_t tid;
  std::uint32_t reserved;
};

enum class HandOffKind : std::uint32_t {
  kThreadCreated = 1,  // giver: token = ordinal of the new thread
  kGive = 2,           // SDK or a followed primitive: the work under `token` carries my turn
  kTake = 3,           // this thread goes on with the turn given under `token`
  kDrop = 4,   // this thread's turn ends; with a token, what it took under that, and it goes
               // on with what it was at before
  kWoken = 5,  // it waited for a condition variable and somebody signalled it; told once
               // where several follow one another
};
struct HandOff {
  std::uint64_t token;  // unique within the process
  HandOffKind kind;
  std::uint32_t reserved;
};

struct Listen {
  Cookie socket;
  std::int32_t backlog;
  std::int32_t error;
  SocketAddress local;
};

struct Accept {
  std::uint64_t exit;
  Cookie listener;
  Cookie socket;       // 0 when it failed
  std::int32_t error;  // errno, EAGAIN included
  std::uint32_t nonblocking;
  std::uint64_t recorded;  // replay: the recorded connection this one stands for, else 0
  SocketAddress local;     // both as the service is told them
  SocketAddress peer;
  std::int32_t peer_pid;  // who connected to a Unix socket (SO_PEERCRED), else 0
  std::uint32_t reserved;
};

struct Connect {
  std::uint64_t exit;
  Cookie socket;
  std::int32_t error;  // errno of the call, EINPROGRESS included, 0 connected
  std::int32_t type;   // SOCK_STREAM, SOCK_DGRAM
  SocketAddress peer;  // as the service gave it
  SocketAddress local;
};

struct ConnectResult {
  Cookie socket;
  std::int32_t error;  // SO_ERROR, 0 connected
  std::uint32_t reserved;
};

// SCM_RIGHTS (unix(7)): before the message is sent, and after it was received. Who receives a
// connection counts its offsets from 0, which are the ones told here.
struct Passed {
  Cookie socket;
  std::uint64_t in_offset;
  std::uint64_t out_offset;
  std::uint32_t taken;  // 1: it came
  std::uint32_t reserved;
};

struct Pair {
  Cookie first;
  Cookie second;
};

// What a connection's TLS session came to. From these offsets on the bytes of the connection are
// what was encrypted; what crossed the network for it, the handshake included, is in no record.
// `error` 0, or errno-like: EPROTO when the handshake failed, and then nothing follows.
struct Tls {
  std::uint64_t exit;
  Cookie socket;
  std::uint64_t in_offset;
  std::uint64_t out_offset;
  std::uint32_t version;  // as on the wire: 0x0303 TLS 1.2, 0x0304 TLS 1.3 (RFC 8446, 4.1.2)
  std::uint32_t client;   // 1: the service is the client
  std::uint32_t resumed;  // 1: an earlier session's secrets were used
  std::int32_t verdict;   // on the peer's certificate, as OpenSSL's X509_V_ERR_*; 0 accepted
  std::int32_t error;
  std::uint32_t certificate_bytes;
};

// Of a read of a TLS connection (BytesIn::error): the network's stream ended, and the peer had not
// said by close_notify that it was at its end (RFC 8446, 6.1). A close_notify reads as the end.
inline constexpr std::int32_t kTlsTruncated = 103;  // ECONNABORTED, which no read gives on Linux

struct Shutdown {
  Cookie socket;
  std::int32_t how;  // SHUT_RD, SHUT_WR, SHUT_RDWR; of TLS: close_notify was sent (SHUT_WR)
  std::int32_t error;
};

struct Close {
  Cookie socket;
  std::uint64_t unread;  // bytes in the socket buffer the service never read, where known
};

// One read of any form. error EAGAIN and EINTR are recorded too: they bound chunks.
struct BytesIn {
  std::uint64_t exit;
  Cookie socket;
  std::uint64_t offset;     // of the first byte, in the connection's inbound stream
  std::uint64_t requested;  // bytes the service asked for in the whole call
  std::int32_t error;       // 0, or errno
  std::uint32_t length;     // bytes in the tail; 0 with error 0 is end of stream
};

struct SendIntent {
  Cookie socket;
  std::uint64_t offset;  // in the connection's outbound stream
  std::uint32_t length;  // bytes in the tail
  std::uint32_t reserved;
};

struct SendResult {
  std::uint64_t exit;
  Cookie socket;
  std::uint64_t offset;  // the intent's
  std::int64_t result;   // bytes accepted, -1 on error
  std::int32_t error;
  std::uint32_t reserved;
};

struct FileRange {
  Cookie socket;
  std::uint64_t offset;  // in the connection's outbound stream
  std::uint64_t device;
  std::uint64_t inode;
  std::uint64_t file_size;
  std::uint64_t modified_ns;
  std::uint64_t file_offset;
  std::uint64_t length;
};

// Absolute: as the service gave it, or where its descriptor was when that was relative.
struct FileOpened {
  std::uint64_t device;
  std::uint64_t inode;
  std::uint64_t file_size;
  std::uint64_t modified_ns;
};

enum class WaitKind : std::uint8_t { kEpoll = 1, kPoll, kSelect };
enum ReadyFlags : std::uint32_t { kReadable = 1, kWritable = 2, kHangup = 4, kFailed = 8 };
struct Ready {
  Cookie socket;  // sockets only; other descriptors are counted in `others`
  std::uint32_t flags;
  std::uint32_t reserved;
};
struct Wait {
  std::uint64_t exit;
  std::int64_t timeout_ns;  // -1 for ever
  std::int32_t result;      // what the call returned
  std::int32_t error;
  std::uint32_t ready;   // entries in the tail (a bounded number of all)
  std::uint32_t others;  // ready descriptors that are not in the tail
};

// source: the kernel's clock id for clock_gettime; the other calls have numbers of their own.
enum class ClockSource : std::uint8_t {
  kRealtime = 0,
  kMonotonic = 1,
  kProcessCpu = 2,
  kThreadCpu = 3,
  kMonotonicRaw = 4,
  kRealtimeCoarse = 5,
  kMonotonicCoarse = 6,
  kBoottime = 7,
  kGettimeofday = 32,
  kTime = 33,
  kTimespecGet = 34,
  kFtime = 35,
};
struct Clock {
  std::int64_t value_ns;
  std::uint64_t caller;  // return address: tells the program's own reads from a library's
};

enum class RandomSource : std::uint8_t {
  kGetrandom = 1,
  kGetentropy,
  kArc4random,
  kDevice,        // /dev/urandom, /dev/random
  kRandomDevice,  // std::random_device
  kOpenSsl,       // RAND_bytes, RAND_priv_bytes
};
struct Random {
  std::uint64_t caller;
  std::uint32_t length;
  std::int32_t error;
};

// kNameInfo and kHostByAddress ask for the names of the one address in the tail and are given node
// (and service); the others ask for the addresses of a node and are given a list.
enum class LookupKind : std::uint8_t {
  kAddressInfo = 0,
  kNameInfo = 1,
  kHostByName = 2,
  kHostByAddress = 3,
};
struct LookupAddress {
  std::int32_t family;
  std::int32_t type;
  std::int32_t protocol;
  std::uint32_t flags;
  SocketAddress address;
};
struct Lookup {
  std::uint64_t exit;
  std::int32_t family;  // hints
  std::int32_t type;
  std::int32_t protocol;
  std::int32_t flags;
  std::int32_t result;           // 0 or EAI_*
  std::int32_t error;            // errno where the result is EAI_SYSTEM
  std::uint32_t count;           // addresses in the tail
  std::uint32_t canonical_name;  // 1: a third string follows node and service
};

enum class Stream : std::uint8_t { kStdout = 1, kStderr = 2 };
struct Log {
  std::uint32_t length;
  std::uint32_t reserved;
};

// Why there is one.
enum class GapReason : std::uint8_t {
  kArenaFull = 0,
  // Nothing is missing: from here on a seccomp filter of the service forbids calls of the agent's.
  kSandbox = 1,
};
struct Gap {
  std::uint64_t records;
  std::uint64_t bytes;
};

struct Leak {
  std::uint64_t instruction;  // address of the system call
  std::int32_t system_call;
  std::uint32_t reserved;
};

}  // namespace reprise::abi
