// This process image, and how it came to be.
//
// Like the threads, `Process` lies in memory that the kernel empties in the child of any fork, so
// that a child whose fork no hook saw finds that it is nobody yet and registers itself.
//
// Threading: written at start-up and in the child of a fork, while there is one thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/thread.h"

namespace reprise::agent {

struct Process {
  std::int32_t pid;         // 0: not registered
  std::uint32_t index;      // ProcessSlot, abi::kNone when none was free
  abi::ProcessSlot* slot;   // null when none was free
  std::uint32_t next_hint;  // where to look for a free ThreadSlot first
};

[[gnu::visibility("hidden")]] extern constinit Process* process_state;
[[nodiscard]] inline Process& process() { return *process_state; }

// Maps the memory that forks empty: the Process and `threads` Threads and one more. Start-up only.
[[nodiscard]] bool map_wiped_memory(std::uint32_t threads);
// Thread of a ThreadSlot; of abi::kNone the one that only counts what it cannot record.
[[nodiscard]] Thread& thread_at(std::uint32_t index);

// Claims the slot of this image at start-up, or after exec finds the one it had. `handed_on` is the
// value of abi::kProcessVariable, or null. Writes the records that a process starts with.
void register_image(const char* handed_on);

// Before a fork: claims a slot for the child; 1 + its index, or 0 when none is free. After a failed
// fork it is given back.
[[nodiscard]] std::uint32_t claim_child();
void release_child(std::uint32_t claimed);
// In the child of a fork: becomes `claimed` (see claim_child), or when 0 claims a slot now.
void register_child(std::uint32_t claimed);

// An ordinal for a child that will claim its slot itself, after exec.
[[nodiscard]] std::uint32_t next_child_ordinal();

}  // namespace reprise::agent
