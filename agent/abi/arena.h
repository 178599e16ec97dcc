// The shared memory between the agent inside a service and the recorder outside it.
//
// This header is the whole contract: both sides are compiled from it and nothing else is shared.
// It holds layout only, in fixed-width types, so that a service and a recorder built apart agree.
// Bump kAbiVersion when any offset, meaning or record changes; the agent refuses an arena of
// another version (and the service runs on, uncaptured).
//
//   ArenaHeader | ProcessSlot[] | ThreadSlot[] | SegmentHeader[] | segment bytes[][]
//
// One arena per session. The recorder creates the file, really allocates every block of it (a
// sparse file on a full /dev/shm would be SIGBUS in the service), fills the header, and only then
// publishes it. Processes of the service map it in the agent's constructor; the mapping survives
// fork, setuid, chroot and loops that close every descriptor.
//
// Flow of a record: a thread owns one *segment* at a time. It reserves bytes with one xadd (so a
// signal handler that interrupts it reserves behind it), writes the record, and stores the record's
// size last, with release order: a record whose size is zero is not there yet. A full segment is
// sealed and the thread claims the lowest free one, which is the warmest in cache. The recorder
// reads committed records in place, writes them to the archive, and only after that write frees the
// segment, zeroed. So what was recorded survives the death of the service and of the recorder.
//
// Threading: fields are written by the side named in their comment. Atomics are lock-free.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace reprise::abi {

inline constexpr std::uint64_t kArenaMagic = 0x31414552'49525052;  // "RPRIREA1", little-endian
inline constexpr std::uint32_t kAbiVersion = 11;

// How the agent finds its session. Read in the constructor only: programs clear their environment.
inline constexpr char kArenaVariable[] = "REPRISE_ARENA";      // path of the arena file
inline constexpr char kControlVariable[] = "REPRISE_CONTROL";  // path of the replay control file
inline constexpr char kProcessVariable[] = "REPRISE_PROCESS";  // ProcessSlot handed across exec

inline constexpr std::uint32_t kNone = 0xffffffffu;  // "no index" for every slot number below

enum ArenaFlags : std::uint32_t {
  kLossless = 1u << 0,  // wait for a free segment instead of dropping, while the recorder lives
  kReplay = 1u << 1,    // the service is being replayed; wake the recorder through the doorbell
};

enum class StampSource : std::uint32_t {
  kTsc = 0,             // rdtsc; invariant
  kMonotonicClock = 1,  // CLOCK_MONOTONIC in ns, where the TSC is not stable
};

inline constexpr std::uint32_t kFreeMapWords = 64;  // at most 4096 segments

struct alignas(64) ArenaHeader {
  // Written by the recorder before publication, constant afterwards.
  std::uint64_t magic;
  std::uint32_t abi_version;
  std::uint32_t flags;  // ArenaFlags
  std::uint64_t arena_bytes;
  std::uint8_t session_id[16];
  std::uint32_t process_count;  // ProcessSlots
  std::uint32_t thread_count;   // ThreadSlots
  std::uint32_t segment_count;  // at most kFreeMapWords * 64
  std::uint32_t segment_bytes;  // a multiple of 4096
  std::uint64_t processes_offset;
  std::uint64_t threads_offset;
  std::uint64_t segment_headers_offset;
  std::uint64_t segments_offset;
  StampSource stamp_source;
  std::uint32_t recorder_pid;
  std::uint64_t stamp_epoch;         // a stamp taken together with the two clocks below
  std::uint64_t realtime_epoch_ns;   // CLOCK_REALTIME then
  std::uint64_t monotonic_epoch_ns;  // CLOCK_MONOTONIC then
  std::uint64_t stamps_per_second;   // frequency of the stamp

  // Recorder -> agent, while the session runs.
  alignas(64) std::atomic<std::uint64_t> heartbeat_ns;  // CLOCK_MONOTONIC of the last drain
  std::atomic<std::uint32_t> capture_stopped;           // 1: record nothing more, forward only

  // Agent -> recorder. In a replay, or when a lossless agent waits, the agent adds one to
  // `doorbell` and does FUTEX_WAKE on it when `doorbell_armed` is set; the recorder sets it before
  // it waits.
  alignas(64) std::atomic<std::uint32_t> doorbell;
  std::atomic<std::uint32_t> doorbell_armed;

  // Both: segments given back by the recorder, waited for by lossless agents (FUTEX_WAIT).
  std::atomic<std::uint32_t> segments_freed;

  // Losses that no thread slot could count: written by the agent.
  alignas(64) std::atomic<std::uint64_t> unslotted_records;  // no ThreadSlot was free
  std::atomic<std::uint64_t> unslotted_processes;            // no ProcessSlot was free
  std::atomic<std::uint64_t> raw_clones;                     // threads that no hook created

  // A set bit is a free segment. Threads claim the lowest set bit with fetch_and; the recorder
  // frees with fetch_or.
  alignas(64) std::atomic<std::uint64_t> free_map[kFreeMapWords];
};

// ---------------------------------------------------------------------------------------------

enum class ProcessState : std::uint32_t { kFree, kClaimed, kLive, kExecuting, kExited };

// One process image of the service. The root has parent kNone. A fork claims a fresh slot; an exec
// keeps the slot (handed on in kProcessVariable) and raises `image`: a process is named by its fork
// path, the ordinals from the root down ("0", "0.2", "0.2.1").
struct alignas(64) ProcessSlot {
  std::atomic<ProcessState> state;  // CAS kFree -> kClaimed by the claimer, kLive when filled
  std::int32_t pid;
  std::uint32_t parent;                 // ProcessSlot, kNone for the root
  std::uint32_t ordinal;                // which child of its parent, from 1
  std::atomic<std::uint32_t> image;     // how many execs it went through
  std::atomic<std::uint32_t> children;  // ordinals given out
  std::atomic<std::uint32_t> threads;   // thread ordinals given out
  std::uint32_t agent_abi;              // kAbiVersion of the agent that registered
  std::uint64_t started_stamp;
  std::atomic<std::uint64_t> uncaptured_execs;  // exec of an image that cannot load the agent
};

// What a thread is doing, so that the replayer can tell quiescence and name a stuck wait.
enum class Activity : std::uint8_t {
  kRunning = 0,
  kReadiness,  // epoll, poll, select
  kRead,       // blocking read, recv, accept of a released stream
  kAccept,
  kWrite,
  kConnect,
  kSleep,
  kCondition,
  kMutex,
  kSemaphore,
  kFutex,
  kJoin,
  kChild,  // wait for a child process
  kSignalWait,
  kAsking,  // waits for an answer of the replayer (a mailbox); counts as running
  kHeld,    // waits for its turn (run token)
  kEnded,
};

enum class ThreadClaim : std::uint32_t { kFree, kClaimed, kLive, kEnded };

struct alignas(64) ThreadSlot {
  std::atomic<ThreadClaim> claim;
  std::uint32_t process;  // ProcessSlot
  std::uint32_t ordinal;  // creation ordinal in its process, main thread 0
  std::int32_t tid;
  std::uint32_t creator;  // ordinal of the thread that created it, kNone for a main thread
  std::atomic<std::uint32_t> segment;  // the one being filled, kNone
  std::uint64_t stream_position;       // record bytes written so far, all sealed segments
  // Low 8 bits: Activity. The rest counts transitions, so that two equal readings of every thread
  // with equal counts prove that nothing ran between them.
  std::atomic<std::uint64_t> activity;
  std::atomic<std::uint64_t> deadline_ns;  // of the wait, in the session's monotonic time; ~0 none
  std::atomic<std::uint64_t> wait_object;  // socket cookie or address of what it waits for
  std::atomic<std::uint64_t> dropped_records;
  std::atomic<std::uint64_t> dropped_bytes;
};

inline constexpr std::uint64_t kNoDeadline = ~std::uint64_t{0};

// ---------------------------------------------------------------------------------------------

struct alignas(64) SegmentHeader {
  std::atomic<std::uint32_t> published;  // 1 when the fields below are valid; agent
  std::uint32_t thread;                  // ThreadSlot
  std::uint32_t process;                 // ProcessSlot
  std::uint64_t base_position;           // position of its first byte in the thread's stream
  std::atomic<std::uint32_t> reserved;   // bytes handed out; xadd by the owner; may pass the end
  std::atomic<std::uint32_t> sealed;     // 0, or 1 + the bytes that hold records; agent
};

// ---------------------------------------------------------------------------------------------
// Accessors. `base` is where the arena is mapped.

inline ArenaHeader& arena_header(void* base) { return *static_cast<ArenaHeader*>(base); }

template <typename Slot>
Slot* arena_array(void* base, std::uint64_t offset) {
  return reinterpret_cast<Slot*>(static_cast<std::byte*>(base) + offset);
}
inline ProcessSlot* processes(void* base) {
  return arena_array<ProcessSlot>(base, arena_header(base).processes_offset);
}
inline ThreadSlot* threads(void* base) {
  return arena_array<ThreadSlot>(base, arena_header(base).threads_offset);
}
inline SegmentHeader* segment_headers(void* base) {
  return arena_array<SegmentHeader>(base, arena_header(base).segment_headers_offset);
}
inline std::byte* segment_bytes(void* base, std::uint32_t segment) {
  const ArenaHeader& header = arena_header(base);
  return arena_array<std::byte>(base, header.segments_offset) +
         std::uint64_t{segment} * header.segment_bytes;
}

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(ThreadSlot) == 128 && sizeof(SegmentHeader) == 64 &&
              sizeof(ProcessSlot) == 64);

}  // namespace reprise::abi
