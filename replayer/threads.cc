#include "replayer/threads.h"

#include <algorithm>

namespace reprise::replayer {

bool Threads::refresh() {
  const std::uint32_t processes = abi::arena_header(arena_).process_count;
  bool starting = false;
  std::uint64_t made = 0;
  // A new process takes the lowest free slot, so there is none beyond the first one after the last.
  for (std::uint32_t i = 0; i < processes && i <= processes_; ++i) {
    const abi::ProcessSlot& process = abi::processes(arena_)[i];
    const abi::ProcessState state = process.state.load(std::memory_order_acquire);
    if (state == abi::ProcessState::kFree) continue;
    processes_ = std::max(processes_, i + 1);
    if (state == abi::ProcessState::kClaimed) starting = true;
    made += (std::uint64_t{1} << 32) + process.threads.load(std::memory_order_acquire) +
            (std::uint64_t{process.image.load(std::memory_order_acquire)} << 48);
  }
  if (made == made_ && !starting) return false;
  made_ = made;
  slots_.clear();
  const std::uint32_t count = abi::arena_header(arena_).thread_count;
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    const abi::ThreadClaim claim = thread(slot).claim.load(std::memory_order_acquire);
    if (claim == abi::ThreadClaim::kClaimed) starting = true;
    if (claim == abi::ThreadClaim::kLive || claim == abi::ThreadClaim::kClaimed) {
      slots_.push_back(slot);
    }
  }
  if (starting) made_ = ~std::uint64_t{0};
  return starting;
}

RecordedThread Threads::named(std::uint32_t slot) const {
  return {process_path(thread(slot).process), thread(slot).ordinal};
}

std::string Threads::name(std::uint32_t slot) const {
  return "thread " + std::to_string(thread(slot).ordinal) + " of process " +
         std::to_string(process_of(slot).pid);
}

std::string Threads::process_path(std::uint32_t process) const {
  // A crafted or torn parent chain ends after as many steps as there are slots.
  std::string path;
  std::uint32_t at = process;
  for (std::uint32_t steps = abi::arena_header(arena_).process_count; steps > 0; --steps) {
    const abi::ProcessSlot& step = abi::processes(arena_)[at];
    if (step.parent >= abi::arena_header(arena_).process_count) break;
    path = "." + std::to_string(step.ordinal) + path;
    at = step.parent;
  }
  return "0" + path;
}

std::optional<std::int32_t> Threads::pid_of(const std::string& path) const {
  for (std::uint32_t i = 0; i < abi::arena_header(arena_).process_count; ++i) {
    const abi::ProcessSlot& process = abi::processes(arena_)[i];
    if (process.state.load(std::memory_order_acquire) == abi::ProcessState::kLive &&
        process_path(i) == path) {
      return process.pid;
    }
  }
  return std::nullopt;
}

}  // namespace reprise::replayer
