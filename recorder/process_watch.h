// The processes of the service: what they are called, and whether they still live.
//
// A process is watched through a pidfd, so that a number given to another process later is no
// mistake. Whether the process behind a slot's pid is the one that registered is checked first: it
// must be a descendant of the recorder in the same pid namespace. One that cannot be checked is
// believed to live until no descendant is left.
//
// Ownership: borrows the arena, owns the pidfds. Threading: the drain's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recorder/arena.h"

namespace reprise::recorder {

struct ProcessIdentity {
  std::uint32_t slot = abi::kNone;
  std::int32_t pid = 0;
  std::uint32_t parent = abi::kNone;  // slot
  std::uint32_t ordinal = 0;          // which child of its parent
  std::uint32_t image = 0;            // execs it went through
  std::string path;                   // fork path: "0", "0.2"
};

class ProcessWatch {
 public:
  explicit ProcessWatch(Arena& arena);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  // Who has the slot now. Learns of it when it is new.
  ProcessIdentity identity(std::uint32_t slot);

  // Looks at every slot: learns of new processes and of deaths.
  void sweep();
  // Nothing that could write into the arena is left.
  void everybody_is_gone() { all_gone_ = true; }

  bool is_gone(std::uint32_t slot) const;
  // Whether the thread `tid` of a process that was seen alive does not exist any more.
  bool thread_is_gone(std::uint32_t slot, std::int32_t tid) const;
  // A process was seen in the arena: its agent started.
  bool seen_any() const { return parentless_ > 0; }
  // Pids of processes that are not known to be gone.
  std::vector<std::int32_t> living() const;

  // Lets the slot be claimed again, once no child that is still unknown needs it for its name. Only
  // for a process that is gone and whose records were all read.
  bool release(std::uint32_t slot);
  // Slots of processes that are gone and not yet released.
  const std::vector<std::uint32_t>& gone_slots() const { return gone_slots_; }

 private:
  struct Known {
    bool known = false;
    bool gone = false;
    bool verified = false;
    std::int32_t pid = 0;
    std::uint64_t started = 0;  // stamp: tells the next process in the slot from this one
    int pidfd = -1;
    std::string path;
  };

  bool is_taken(std::uint32_t slot);
  void learn(std::uint32_t slot);
  void mark_gone(std::uint32_t slot);

  Arena& arena_;
  std::vector<Known> known_;
  std::vector<std::uint32_t> gone_slots_;
  std::uint32_t parentless_ = 0;
  bool all_gone_ = false;
};

}  // namespace reprise::recorder
