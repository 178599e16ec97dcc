// Where a thread's records go: the segment it fills now, and how it gets the next one.
//
// A reservation is one compare-and-swap of the thread's own cursor, without a lock prefix: only a
// signal handler of the same thread can come between, and then it is retried behind the handler's
// records. The cursor holds segment and offset in one word, so that a handler that changes segments
// under the code it interrupts cannot make it write into the old one.
//
// Threading: the calling thread's own Thread; signal handlers included.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/arena_mapping.h"
#include "agent/thread.h"

namespace reprise::agent {

// Compare-and-swap that is atomic for this thread and its signal handlers, and for nobody else.
inline bool swap_if_equal(std::atomic<std::uint64_t>& word, std::uint64_t expected,
                          std::uint64_t desired) {
  bool swapped;
  __asm__ volatile("cmpxchgq %3, %1"
                   : "=@cce"(swapped), "+m"(word), "+a"(expected)
                   : "r"(desired)
                   : "memory");
  return swapped;
}

// Full segment or none: takes another one, and reserves there. Null when the record is dropped.
[[nodiscard]] std::byte* reserve_elsewhere(Thread& thread, std::uint32_t size);

// The recorder has emptied what will be written next, so it lies in the cache of another processor.
// It is asked for this far ahead, each line once, and for writing: a line that was fetched to be
// read has to be asked for again. (A processor without that instruction does nothing.)
inline constexpr std::uintptr_t kAhead = 512;
inline void prefetch_lines(std::uintptr_t begin, std::uintptr_t end) {
  constexpr std::uintptr_t kLine = 64;
  for (std::uintptr_t line = (begin + kLine - 1) & ~(kLine - 1); line < end; line += kLine) {
    __asm__ volatile("prefetchw (%0)" : : "r"(line));
  }
}
inline void prefetch_behind(const std::byte* record, std::uint32_t size) {
  const auto begin = reinterpret_cast<std::uintptr_t>(record);
  prefetch_lines(size < kAhead ? begin + kAhead : begin + size, begin + size + kAhead);
}

// Where a thread's next record goes as long as nothing comes between. What is read of the thread's
// segment after this was made and before a successful try_reserve() belongs together.
class Vacancy {
 public:
  explicit Vacancy(const Thread& thread) : cursor_(thread.cursor.load(std::memory_order_relaxed)) {
    std::atomic_signal_fence(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint32_t offset() const { return static_cast<std::uint32_t>(cursor_); }
  [[nodiscard]] std::uint64_t cursor() const { return cursor_; }

 private:
  std::uint64_t cursor_;
};

// `size` bytes at that place, which the segment must have; null when a handler has written there
// since.
[[nodiscard]] inline std::byte* try_reserve(Thread& thread, const Vacancy& vacancy,
                                            std::uint32_t size) {
  // Looked at before the swap: that fails when a handler has changed segments since.
  std::byte* const start = thread.segment_bytes + vacancy.offset();
  abi::SegmentHeader& segment = *thread.segment;
  if (!swap_if_equal(thread.cursor, vacancy.cursor(), vacancy.cursor() + size)) [[unlikely]]
    return nullptr;
  segment.reserved.store(vacancy.offset() + size, std::memory_order_relaxed);
  prefetch_behind(start, size);
  return start;
}

// `size` bytes, a multiple of 8 and at most max_record_bytes(), for one record; null when there is
// no room and the record is counted as dropped. Preserves errno.
[[nodiscard]] inline std::byte* reserve(Thread& thread, std::uint32_t size) {
  for (;;) {
    const Vacancy vacancy(thread);
    if (vacancy.offset() + size > thread.limit) [[unlikely]]
      return reserve_elsewhere(thread, size);
    if (std::byte* const start = try_reserve(thread, vacancy, size)) [[likely]]
      return start;
  }
}

[[nodiscard]] inline std::uint32_t max_record_bytes() { return arena().segment_bytes; }

// Bytes left in the segment being filled.
[[nodiscard]] inline std::uint32_t room(const Thread& thread) {
  const auto offset = static_cast<std::uint32_t>(thread.cursor.load(std::memory_order_relaxed));
  return thread.limit > offset ? thread.limit - offset : 0;
}

// Gives the thread's segment up: nothing more will be written there.
void seal_segment(Thread& thread);

// Counts a record that could not be made in the thread's slot. Every one is told by a Gap record
// too.
void note_loss(Thread& thread, std::uint64_t bytes);

}  // namespace reprise::agent
