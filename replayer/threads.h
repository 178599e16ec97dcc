// The service's threads, as the arena has them.
//
// Going through every ThreadSlot would cost more than a request does; the list is made anew only
// when a thread or a process was added. Slots in it whose thread has ended say so themselves.
//
// Ownership: borrows the arena. Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/abi/arena.h"
#include "replayer/plan.h"

namespace reprise::replayer {

// What a ThreadSlot's activity word says. The rest of the word counts, so that equal words mean
// that nothing happened in between.
[[nodiscard]] constexpr abi::Activity activity_of(std::uint64_t word) {
  return static_cast<abi::Activity>(word & 0xff);
}

class Threads {
 public:
  explicit Threads(void* arena) : arena_(arena) {}

  // Looks for new threads; true while one or a process is just being made.
  bool refresh();

  // ThreadSlots in use as of the last refresh(); some may have ended since.
  std::span<const std::uint32_t> slots() const { return slots_; }
  // ProcessSlots from the first to the last in use, as of the last refresh().
  std::uint32_t processes() const { return processes_; }
  const abi::ThreadSlot& thread(std::uint32_t slot) const { return abi::threads(arena_)[slot]; }
  const abi::ProcessSlot& process(std::uint32_t index) const {
    return abi::processes(arena_)[index];
  }
  const abi::ProcessSlot& process_of(std::uint32_t slot) const {
    return process(thread(slot).process);
  }
  std::uint64_t activity_word(std::uint32_t slot) const {
    return thread(slot).activity.load(std::memory_order_acquire);
  }
  bool is_live(std::uint32_t slot) const {
    return thread(slot).claim.load(std::memory_order_acquire) == abi::ThreadClaim::kLive;
  }

  // By what every run calls it.
  RecordedThread named(std::uint32_t slot) const;
  // "thread 3 of process 4711", for messages.
  std::string name(std::uint32_t slot) const;
  // Fork path of a ProcessSlot: "0", "0.2".
  std::string process_path(std::uint32_t process) const;
  // Pid of the live process with that fork path.
  std::optional<std::int32_t> pid_of(const std::string& path) const;

 private:
  void* arena_;
  std::vector<std::uint32_t> slots_;
  std::uint32_t processes_ = 0;             // one more than the highest ProcessSlot seen in use
  std::uint64_t made_ = ~std::uint64_t{0};  // threads and processes, when slots_ was made
};

}  // namespace reprise::replayer
