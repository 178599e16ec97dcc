// A thread of the service, as the agent knows it.
//
// `Thread` is the private half: where the thread's next record goes, and what it is in the middle
// of. Its public half, which the recorder reads, is its abi::ThreadSlot; both have the same index.
// All Threads lie in one mapping that the kernel empties in the child of any fork
// (MADV_WIPEONFORK), even one that no hook saw: a child finds itself closed and joins anew, and
// never writes where its parent does.
//
// The one way in is this_thread(): null means that the agent stands aside and the hook only
// forwards.
//
// Threading: a Thread is touched by its own thread (and the signal handlers that interrupt it), and
// by its creator until it runs. Fields that a handler may change under the interrupted code are
// atomics for that reason alone; no locked instruction is needed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/abi/records.h"

namespace reprise::agent {

inline constexpr std::size_t kLineBytes = 240;  // of characters that were written one by one

// A connection that only the SDK's words make.
struct Voice {
  std::uint64_t name;  // 0: none yet; else the world's for it
  std::uint64_t in_offset;
  std::uint64_t out_offset;
};

class TlsCall;

// What tells one state of a file from another.
struct FileState {
  std::uint64_t device;
  std::uint64_t inode;
  std::uint64_t size;
  std::uint64_t modified_ns;  // of Unix time
  bool regular;
};
// What the service was told last of a file (agent/open_file.h).
struct FileLook {
  std::atomic<std::uint64_t> stamp;  // when; 0: of none
  std::int32_t fd;
  std::uint32_t generation;  // of that descriptor
  FileState state;
};

// What brief records of the segment being filled may name (agent/brief.h): places in it, by hash.
struct Recent {
  static constexpr std::size_t kPayloads = 32;  // 16 pairs, the newer one first
  static constexpr std::size_t kClocks = 4;
  std::atomic<std::uint64_t> payloads[kPayloads];  // offset << 32 | length; 0 none
  std::atomic<std::uint32_t> clocks[kClocks];      // offset of a whole Clock record, plus 1; 0 none
};

// Waits that are not told again when nothing came between.
enum class LastWait : std::uint8_t { kNone = 0, kIdlePoll, kWoken };

struct alignas(64) Thread {
  // What every hook reads: one cache line. All zero after a fork.
  std::uint32_t open;            // 1: hooks record; 0: see this_thread()
  std::uint8_t record_flags;     // abi::kUnordered while a signal handler runs
  std::uint8_t modules_changed;  // dlopen was called since the modules were recorded
  LastWait last_wait;            // what the last record is of
  abi::Stream line_stream;       // of `line`
  std::uint32_t limit;           // bytes of the segment being filled, 0 none
  std::uint16_t line_length;     // of `line`
  std::uint8_t ended;
  std::uint8_t end_rounds;            // of thread-specific destructors that were let pass
  std::atomic<std::uint64_t> cursor;  // segment << 32 | offset of its first free byte
  std::byte* segment_bytes;           // of the segment being filled
  abi::SegmentHeader* segment;        // the same one's
  TlsCall* tls;           // the call into a TLS library that it is in (agent/tls_call.h), or null
  abi::ThreadSlot* slot;  // null: none was free; records are only counted
  std::uint32_t index;    // of the slot, abi::kNone without one
  std::uint32_t ordinal;  // in its process, 0 the main thread

  std::uint32_t creator;  // ordinal of the thread that made it, abi::kNone
  // What is being dropped, until a Gap record says so.
  std::uint64_t gap_records;
  std::uint64_t gap_bytes;

  std::uint32_t muted;          // depth of calls whose inner calls are not the service's
  std::uint32_t handler_depth;  // of the service's signal handlers
  const void* handler_frame;    // stack of the outermost, to notice a siglongjmp out of it
  // Deliveries to the service's handlers, and those whose handler restarts no call (SA_RESTART): a
  // world that waits in slices must know whether one ended its slice.
  std::uint32_t handlers_run;
  std::uint32_t handlers_not_restarting;
  std::uint32_t handler_on_own_stack;  // 1: it runs on a sigaltstack, whose addresses tell nothing

  // The connection on which the SDK's calls of this thread are told (world.h, begin_call).
  Voice voice;

  // Between creation and start.
  void* (*routine)(void*);
  void* argument;

  Recent recent;
  FileLook look;

  // Characters written one by one to a log stream, until a line is whole.
  char line[kLineBytes];
};
static_assert(offsetof(Thread, creator) == 64);

// The agent's whole thread-local storage: static TLS is scarce and a lazily allocated one would
// allocate in signal handlers.
struct ThreadLocal {
  Thread* current;           // null: never joined, or parked
  Thread* parked;            // set around a vfork, whose child runs on this thread's memory
  std::uint32_t child_slot;  // ProcessSlot + 1 claimed for the child of the fork in progress, or 0
  std::uint32_t joining;     // 1: in the slow path; a handler that comes now stands aside
};
[[gnu::visibility("hidden"),
  gnu::tls_model("initial-exec")]] extern constinit thread_local ThreadLocal thread_local_state;

// Where this process image stands.
enum class Liveness : std::uint32_t {
  kUnknown = 0,  // nothing has been tried yet
  kLive,         // there is an arena
  kAside,        // there is none, or one that cannot be used: hooks forward for ever
};
[[gnu::visibility("hidden")]] extern constinit std::atomic<Liveness> agent_liveness;

// The slow path of this_thread(): starts the agent, joins the thread, or finds why not.
[[nodiscard]] Thread* join_thread();

// The calling thread, or null when the agent stands aside: no arena, in the child of a vfork, in a
// name lookup, after the thread's end. Never null because an arena is full. Preserves errno.
[[nodiscard]] inline Thread* this_thread() {
  Thread* thread = thread_local_state.current;
  if (thread != nullptr && thread->open != 0) [[likely]]
    return thread;
  return join_thread();
}

// Claims a slot for a thread that `creator` is about to make; null when none is free.
[[nodiscard]] Thread* claim_thread(const Thread* creator);
// Gives back what claim_thread claimed, when the thread could not be made.
void release_thread(Thread& thread);
// On the new thread itself: makes it the current one and writes its ThreadStart.
void enter_thread(Thread& thread);
// Writes ThreadEnd; hooks of this thread only forward from here on.
void leave_thread(Thread& thread);

// Whatever the service's own calls do inside a call that is recorded as a whole (a name lookup) is
// not recorded. Nests.
class Muted {
 public:
  explicit Muted(Thread* thread) : thread_(thread) {
    if (thread_ != nullptr && thread_->muted++ == 0) thread_->open = 0;
  }
  ~Muted() {
    if (thread_ != nullptr && --thread_->muted == 0) thread_->open = 1;
  }
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;

 private:
  Thread* thread_;
};

// Publishes what a thread waits for, until it is destroyed; for the replay library. `object` is a
// socket's cookie or an address, `deadline_ns` in the session's monotonic time, or
// abi::kNoDeadline.
class Waiting {
 public:
  Waiting(Thread* thread, abi::Activity activity, std::uint64_t deadline_ns, std::uint64_t object);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  abi::ThreadSlot* slot_;
};

// Stores an activity with the next transition count.
void publish_activity(abi::ThreadSlot& slot, abi::Activity activity);

}  // namespace reprise::agent
