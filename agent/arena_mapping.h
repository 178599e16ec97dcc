// This process's view of the session's arena (agent/abi/arena.h).
//
// Mapped once at start-up and never unmapped; a fork inherits it. The descriptor is closed again at
// once: services close what they did not open. When anything about the file is not as it should be,
// there is no arena, the agent stands aside and the service runs on.
//
// Threading: constant after map().
#pragma once

#include <x86intrin.h>

#include <cstddef>
#include <cstdint>

#include "agent/abi/arena.h"

namespace reprise::agent {

struct ArenaMapping {
  void* base = nullptr;
  abi::ArenaHeader* header = nullptr;
  abi::ProcessSlot* processes = nullptr;
  abi::ThreadSlot* threads = nullptr;
  abi::SegmentHeader* segment_headers = nullptr;
  std::byte* segments = nullptr;
  std::uint32_t segment_bytes = 0;
  bool tsc = false;  // stamps are rdtsc

  // Maps the arena at `path`; false, with nothing mapped, when it is missing, of another ABI or not
  // what it says it is. Start-up only.
  bool map(const char* path);

  [[nodiscard]] std::byte* segment(std::uint32_t index) const {
    return segments + std::uint64_t{index} * segment_bytes;
  }
  [[nodiscard]] bool lossless() const { return (header->flags & abi::kLossless) != 0; }
};

[[gnu::visibility("hidden")]] extern constinit ArenaMapping arena_mapping;
inline const ArenaMapping& arena() { return arena_mapping; }

// CLOCK_MONOTONIC of the machine in ns, whatever the service is told.
[[nodiscard]] std::uint64_t monotonic_now_ns();

// The arena's stamp, now. Only with an arena.
[[nodiscard]] inline std::uint64_t stamp() {
  if (arena_mapping.tsc) [[likely]]
    return __rdtsc();
  return monotonic_now_ns();
}

}  // namespace reprise::agent
