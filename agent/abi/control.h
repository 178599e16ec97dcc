// The shared memory between the replay agent and the replayer: what a replayed service is told.
//
// Only libreprise-replay.so maps it; capture knows nothing of it. Like the arena it is a file in
// the session directory, really allocated by the replayer before the service starts.
//
//   ControlHeader | Link[] | Mailbox[] | Gate[] (one of both per ThreadSlot) | TapeEntry[] |
//   TapeDraw[] | tape bytes
//
// Four ways lead from the replayer to the service:
//  - the *clock words*: the session's virtual time, owned by the replayer;
//  - *marks*: before the replayer releases input on a connection it publishes which tape entry that
//    input is, so draws that follow are addressed without the agent parsing anything;
//  - *mailboxes*: what is rare and needs a decision (listen, accept, connect, lookup) is asked, and
//    the asking thread waits for the answer;
//  - *gates*: where one thread runs at a time, each of the others waits at its gate for its turn.
//
// How a thread finds its draws: it keeps a *cursor* (entry, part, shift, and for each (kind,
// source, module) how many it drew since). Only input moves the cursor, each time with all counts
// at zero:
//  - a readiness wait returned: of the first socket it reports that is a link with an unread mark,
//    that mark's entry, part kReady; a listener's next mark counts. A wait that reports none of
//    these (time-out, event descriptors) moves nothing, and neither does one whose mark is the
//    cursor's own entry already;
//  - bytes, end of stream or an error other than EAGAIN and EINTR were read: the last mark whose
//    offset is not behind the first byte of the read, part kIo, unless that mark is the cursor
//    already (a smaller buffer reads one recorded read in several);
//  - accept returned a connection: the listener's mark of that number, part kIo. It is the entry of
//    the connection's `opening` mark, whose shift and exchange are the ones to use;
//  - connect completed, at once or learnt later (SO_ERROR, the first transfer): the link's
//  `opening`,
//    part kIo. A readiness wait that says so reports that entry, like any other;
//  - the thread was made: the answer of kThread, part kIo;
//  - it takes over a turn (HandOffKind::kTake): the answer of kThread, asked as for a thread that
//    the giver made when it gave, part kIo. A giver that stood nowhere, a token that was taken
//    before, and a take inside kScopes others move nothing. When the taker is done (kDrop with the
//    token), its cursor is where it was before, counts and all.
// Sends move nothing. An entry of kNone moves nothing either. What is past the cursor's part is
// looked up in what follows, without moving: kReady goes on into kIo, kIo into entry `next`; the
// first draw of equal (kind, source, module) there is given for a clock (counted relaxed, and it
// may be given again); past the end the later of the last value plus clock_step_ns and the clock
// word. A random draw that is not in its part comes from a generator seeded by (draw_seed, entry,
// part, address).
// A readiness wait that times out parts the reads of monotonic clocks (DrawKind::kTimeOut): those
// behind the nth time-out since the anchor are given behind the nth. How many there are in between
// is often chance, as where threads of an interpreter wait for its lock and look how long.
//
// When the agent rings the doorbell of the arena: after its activity word went from running to a
// wait or to kEnded, after it asked, and before its process ends. Records need no ring of their
// own.
//
// Threading: every field is written by one side, named in its comment.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/abi/records.h"

namespace reprise::abi {

inline constexpr std::uint64_t kControlMagic = 0x314c5443'49525052;  // "RPRICTL1"

// How far the watch for system calls that escape the hooks has got. The filter is inherited by
// forks and survives exec, so one process installs it for all.
enum class LeakWatch : std::uint32_t {
  kOff = 0,      // not wanted
  kWanted,       // replayer, before the service starts
  kInstalling,   // agent: one process is at it
  kOn,           // agent: the replayer has the listener
  kUnavailable,  // agent: this kernel, or a sandbox around the service, does not let us
};

struct alignas(64) ControlHeader {
  // Replayer, before the service starts.
  std::uint64_t magic;
  std::uint32_t abi_version;
  std::uint32_t link_count;
  std::uint32_t mailbox_count;
  std::uint32_t entry_count;
  std::uint64_t control_bytes;
  std::uint64_t links_offset;
  std::uint64_t mailboxes_offset;
  std::uint64_t gates_offset;
  std::uint64_t entries_offset;
  std::uint64_t draws_offset;
  std::uint64_t tape_bytes_offset;
  std::uint64_t clock_step_ns;  // what one clock read too many adds to the last value
  std::uint64_t draw_seed;      // for random draws past the tape
  // 1: one thread of the service runs at a time (Gate). The replayer clears it at the end of the
  // recording.
  std::atomic<std::uint32_t> one_at_a_time;
  char host_name[65];  // of the recorded machine, "": this one's

  // Replayer, while the service runs. Sleepers FUTEX_WAIT on clock_moves, which grows with each
  // move.
  alignas(64) std::atomic<std::int64_t> realtime_ns;  // may step back between exchanges
  std::atomic<std::int64_t> monotonic_ns;             // never decreases
  std::atomic<std::uint32_t> clock_moves;
  std::atomic<std::uint32_t> clock_fires;  // times that it moved to a deadline
  std::atomic<std::uint32_t> real_time;    // 1: clocks and time-outs run on from here by themselves
  std::atomic<LeakWatch> leak_watch;       // both
  std::atomic<std::uint32_t> held;         // debugger: 1 while it holds the service; nothing is
                                           // released and time stands still
  // Both, under one_at_a_time: steps recorded before this are taken without waiting at the gate,
  // since nothing else was. Set with the turn; kAwake once the thread may have woken another one.
  std::atomic<std::int64_t> horizon_ns;

  // Replay agent: what it gave.
  alignas(64) std::atomic<std::uint64_t> draws_exact;
  std::atomic<std::uint64_t> draws_relaxed;
  std::atomic<std::uint64_t> draws_background;
  std::atomic<std::uint64_t> calls_hooked;  // system calls that came through a hook
};

enum MarkFlags : std::uint32_t {
  kStopHere = 1u << 0,  // the thread that reads this input calls reprise_stop_here()
};

// "The bytes from `offset` on (or, on a listener, the accept number `offset`) are tape entry
// `entry`".
struct Mark {
  std::uint64_t offset;
  std::uint32_t entry;  // kNone: not an anchor, keep the one you have
  std::uint32_t flags;
  std::int64_t monotonic_shift_ns;  // added to each MONOTONIC value of this context
  std::uint64_t exchange;           // recorded number, 0 background; for the debugger
};

inline constexpr std::uint32_t kScopes = 4;  // takes within one another whose cursors are kept

inline constexpr std::uint32_t kMarks = 32;  // a ring; the replayer keeps fewer unread

enum class LinkRole : std::uint32_t { kFree, kListener, kDriven, kAnswered };

// One listener, driven inbound connection or answered outbound connection. Written by the replayer.
// A link is complete before its number is told (by the answer that names it) and is used again only
// after both ends of its connection are closed. Offsets of marks count the bytes the service read
// from this connection in this replay (on a listener: the connections it accepted), from 0. The
// ring keeps its old marks: the agent's cursor in it lives with the socket, beside its in_offset.
struct alignas(64) Link {
  LinkRole role;
  std::atomic<std::uint32_t> accepted;  // agent: connections a listener gave out, in all processes
  std::uint64_t recorded;               // connection in the recording, 0 none
  std::int32_t tls_verdict;             // on the peer's certificate (Tls::verdict), 0 accepted
  std::uint32_t tls_certificate_bytes;  // of the recorded peer, as of Tls; 0 none
  std::uint64_t tls_certificates;       // where they are in the tape bytes
  Mark opening;                         // draws after accept or after connect completed; offset 0
  std::atomic<std::uint32_t> marks;     // published so far; mark k is ring[k % kMarks]
  Mark ring[kMarks];
};

// What is asked. Request and answer bodies lie in Mailbox::payload.
enum class Ask : std::uint32_t {
  kThread = 1,  // AskThread -> AnswerThread: which entry does this thread start from
  kListen,      // AskListen -> AnswerListen, after the real listen
  kAccept,      // AskAccept -> AnswerAccept, after the real accept
  kConnect,     // AskConnect -> AnswerConnect, before the real connect
  kLookup,      // Lookup's hints, then node \0 service \0 -> Lookup record body and tail
  kLeakWatch,   // AskLeakWatch -> no body: take over the listener of the seccomp filter
  kPassed,      // AskPassed -> AnswerPassed: which link is a socket that another process passed on
};

// Asked by a new thread before its first draw or input, and by one that takes over a turn. A thread
// is named by who made it and when: ordinals of threads that serve a connection each depend on the
// order of connections. The main thread of a forked child is made by the thread that forked.
struct AskThread {
  std::uint32_t process;        // ProcessSlot
  std::uint32_t thread;         // ordinal
  std::uint32_t creator_entry;  // the creator's cursor then; kNone for the first thread of an image
  std::uint32_t created_since;  // threads and children it had made since its cursor moved there
  std::uint32_t creator_ready;  // 1: its cursor stood at the kReady part, 0: at kIo
  std::uint32_t reserved;
};
struct AnswerThread {
  std::uint32_t entry;  // draws before the thread's first input
  std::uint32_t reserved;
  std::int64_t monotonic_shift_ns;
  std::uint64_t exchange;  // recorded number, 0 background
};

struct AskListen {
  Cookie socket;
  SocketAddress asked;   // what the service bound
  SocketAddress actual;  // what it got
};
struct AnswerListen {
  std::uint32_t link;
  SocketAddress
      local;  // to tell the service (getsockname); a recorded port for one bound to port 0
};

struct AskAccept {
  Cookie listener;
  Cookie socket;
  std::uint32_t listener_link;
  std::uint32_t reserved;
  SocketAddress actual_peer;
};
struct AnswerAccept {
  std::uint32_t link;  // kNone: not driven by the replayer
  std::uint32_t reserved;
  std::uint64_t recorded;
  SocketAddress peer;  // to tell the service
  SocketAddress local;
};

struct AskPassed {
  Cookie socket;
};
struct AnswerPassed {
  std::uint32_t link;  // kNone: the replayer knows nothing of it
  std::uint32_t reserved;
  std::uint64_t in_offset;  // of it, that others have read
  SocketAddress peer;       // to tell the service
  SocketAddress local;
};

struct AskConnect {
  Cookie socket;
  std::int32_t type;  // SOCK_STREAM, SOCK_DGRAM
  std::uint32_t nonblocking;
  SocketAddress peer;          // where the service wants to go
  SocketAddress actual_local;  // where its socket is bound; the responder knows it by this
};
enum class ConnectVerdict : std::uint32_t {
  kRedirect = 1,  // connect to `address` and tell `error`; a peer that never answered is one of
                  // ours that leaves the connection pending, so this may block or stay unready
  kFail,          // fail with `error`, without a connect; or, where `error` is EINPROGRESS, connect
                  // to `address`, which refuses at once, and tell `final_error` for its SO_ERROR
  kInternal,      // the other end is the service itself: connect to `address`, capture as usual
};
struct AnswerConnect {
  ConnectVerdict verdict;
  std::uint32_t link;
  std::int32_t error;        // errno to tell for the call: 0, EINPROGRESS, ECONNREFUSED…
  std::int32_t final_error;  // SO_ERROR to tell of a non-blocking connect, 0 connected
  SocketAddress address;     // to connect to
  SocketAddress local;       // to tell the service
};

// A seccomp filter in the service hands network, clock, random and waiting system calls that did
// not come through a hook to the holder of its listener (seccomp_unotify(2)): the replayer, which
// counts and names them and lets them go on. It takes the descriptor out of the process with
// pidfd_getfd. As a filter without a holder would make those calls fail, the agent first asks with
// some other descriptor whether that works at all; it is to be closed again.
struct AskLeakWatch {
  std::int32_t pid;
  std::int32_t descriptor;  // in the service
  std::uint32_t rehearsal;  // 1: only to see that it can be taken
  std::uint32_t reserved;
};

enum class MailState : std::uint32_t { kIdle = 0, kAsked = 1, kAnswered = 2, kRefused = 3 };

// One thread's questions. The agent fills it, stores kAsked, rings the arena's doorbell and
// FUTEX_WAITs on `state`; the replayer fills it again and stores kAnswered (or kRefused: there is
// no answer, the hook fails as a lost dependency would).
struct alignas(64) Mailbox {
  std::atomic<MailState> state;
  Ask ask;
  std::uint32_t length;  // bytes used in payload, by whoever wrote last
  std::uint32_t reserved;
  std::byte payload[4032];
};
static_assert(sizeof(Mailbox) % 64 == 0);

// Where a thread waits for its turn (Activity::kHeld), under ControlHeader::one_at_a_time: when it
// starts, when a wait of it is over, and before each step whose recorded moment the tape knows. The
// replayer lets one thread go when all rest, the one whose step was recorded first. So two threads
// that raced do so again in the recorded order, as far as hooks lie between what they did.
struct alignas(64) Gate {
  std::atomic<std::uint32_t> passes;  // replayer: times it was opened; the thread FUTEX_WAITs on it
  std::uint32_t reserved;
  std::atomic<std::int64_t> step_ns;  // agent: TapeDraw::at_ns of what it is held before, or kAwake
};
inline constexpr std::int64_t kAwake = INT64_MIN;  // it woke; what it will do is not known yet

// The draws of one anchor. First those between the return of the readiness wait that reported it
// and the first I/O, then those after the I/O.
struct TapeEntry {
  std::uint32_t first_draw;
  std::uint32_t ready_draws;
  std::uint32_t io_draws;
  std::uint32_t next;  // entry that follows in the same context, kNone
};

// From kSend on they are no draws: they have no value, and are on the tape for their moments.
enum class DrawKind : std::uint8_t {
  kClock = 1,
  kRandom = 2,
  kSend = 3,
  kConnect = 4,  // the first connect of a stream socket
  kLookup = 5,
  kTimeOut = 6,  // of a readiness wait; nobody waits for its turn here
};

// Addressed by (kind, source, module, ordinal among those since the anchor).
struct TapeDraw {
  DrawKind kind;
  std::uint8_t source;  // ClockSource or RandomSource
  std::uint16_t reserved;
  std::uint32_t module;  // module_key of the caller, 0 the program itself or no known object
  std::int64_t value;    // ns, or offset of the bytes in the tape bytes
  std::int64_t at_ns;    // when it was recorded, on the clock of monotonic_ns
  std::uint32_t length;  // of the bytes
  std::uint32_t reserved2;
};

// A language's runtime reads clocks and draws random values for whoever calls it: std::chrono,
// Python's time module. What it does counts as the program's own. event/modules.cc has the same
// rule.
constexpr bool is_language_runtime(const char* base_name) {
  constexpr const char* kPrefixes[] = {"libstdc++.so", "libc++.so", "libpython"};
  for (const char* prefix : kPrefixes) {
    const char* c = base_name;
    while (*prefix != '\0' && *c == *prefix) ++c, ++prefix;
    if (*prefix == '\0') return true;
  }
  return false;
}

// Names a loaded object across builds: FNV-1a of the base name of its path; 0, as for the program
// itself, for a language's runtime.
constexpr std::uint32_t module_key(const char* base_name) {
  if (is_language_runtime(base_name)) return 0;
  std::uint32_t hash = 2166136261u;
  for (const char* c = base_name; *c != '\0'; ++c) {
    hash = (hash ^ static_cast<unsigned char>(*c)) * 16777619u;
  }
  return hash == 0 ? 1 : hash;
}

inline ControlHeader& control_header(void* base) { return *static_cast<ControlHeader*>(base); }
inline Link* links(void* base) {
  return arena_array<Link>(base, control_header(base).links_offset);
}
inline Mailbox* mailboxes(void* base) {
  return arena_array<Mailbox>(base, control_header(base).mailboxes_offset);
}
inline Gate* gates(void* base) {
  return arena_array<Gate>(base, control_header(base).gates_offset);
}
inline TapeEntry* tape_entries(void* base) {
  return arena_array<TapeEntry>(base, control_header(base).entries_offset);
}
inline TapeDraw* tape_draws(void* base) {
  return arena_array<TapeDraw>(base, control_header(base).draws_offset);
}
inline std::byte* tape_bytes(void* base) {
  return arena_array<std::byte>(base, control_header(base).tape_bytes_offset);
}

}  // namespace reprise::abi
