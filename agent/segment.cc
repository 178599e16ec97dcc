#include "agent/segment.h"

#include <linux/futex.h>
#include <signal.h>

#include "agent/brief.h"
#include "agent/doorbell.h"
#include "agent/process.h"
#include "agent/record.h"
#include "agent/system_call.h"

namespace reprise::agent {
namespace {

// A recorder drains every few milliseconds; one that was silent for this long does not drain.
constexpr std::uint64_t kRecorderGoneNs = 2'000'000'000;
// As long as it has anything to drain it gives something back.
constexpr std::uint64_t kNothingFreedNs = 5'000'000'000;
// A wait for a free segment looks at all this again after so long.
constexpr long kWaitSliceNs = 20'000'000;

// Changing segments must not be interrupted by a handler that writes records itself.
class SignalsHeld {
 public:
  SignalsHeld() {
    const std::uint64_t all = ~std::uint64_t{0};
    held_ = !failed(system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&all),
                                address_of(&before_), sizeof(before_)));
  }
  ~SignalsHeld() {
    if (!held_) return;
    system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&before_), 0, sizeof(before_));
  }
  [[nodiscard]] bool held() const { return held_; }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  std::uint64_t before_ = 0;
  bool held_ = false;
};

// The lowest free segment, abi::kNone when there is none.
std::uint32_t claim_segment() {
  abi::ArenaHeader& header = *arena().header;
  const std::uint32_t words = (header.segment_count + 63) / 64;
  for (std::uint32_t word = 0; word < words; ++word) {
    std::uint64_t free = header.free_map[word].load(std::memory_order_relaxed);
    while (free != 0) {
      const std::uint64_t lowest = free & -free;
      const std::uint64_t before =
          header.free_map[word].fetch_and(~lowest, std::memory_order_acquire);
      if ((before & lowest) != 0) {
        return word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(lowest));
      }
      free = before & ~lowest;
    }
  }
  return abi::kNone;
}

void open_segment(Thread& thread, std::uint32_t segment) {
  abi::SegmentHeader& header = arena().segment_headers[segment];
  header.thread = thread.index;
  header.process = process().index;
  header.base_position = thread.slot->stream_position;
  header.reserved.store(0, std::memory_order_relaxed);
  header.sealed.store(0, std::memory_order_relaxed);
  header.published.store(1, std::memory_order_release);
  thread.slot->segment.store(segment, std::memory_order_release);
  thread.segment = &header;
  thread.segment_bytes = arena().segment(segment);
  prefetch_lines(reinterpret_cast<std::uintptr_t>(thread.segment_bytes),
                 reinterpret_cast<std::uintptr_t>(thread.segment_bytes) + kAhead);
  thread.cursor.store(std::uint64_t{segment} << 32, std::memory_order_relaxed);
  forget(thread.recent);
  thread.limit = arena().segment_bytes;
}

// Tells, where records go on, how many are missing.
void write_gap(Thread& thread) {
  if (thread.gap_records == 0) return;
  if (Record<abi::Gap> record{thread, abi::RecordType::kGap, stamp()}) {
    record->records = thread.gap_records;
    record->bytes = thread.gap_bytes;
    record.commit();
    thread.gap_records = 0;
    thread.gap_bytes = 0;
  }
}

// A wait for the recorder to give a segment back, which ends when there is none to wait for: it is
// gone, or it frees nothing because every segment is held by a thread that does not fill its own.
class SegmentWait {
 public:
  // `freed` is what segments_freed was before a segment was last looked for. False when waiting is
  // over without one.
  [[nodiscard]] bool next_slice(std::uint32_t freed) {
    const abi::ArenaHeader& header = *arena().header;
    const std::uint64_t now = monotonic_now_ns();
    if (since_ns_ == 0 || freed != freed_) {
      freed_ = freed;
      since_ns_ = now;
    }
    const std::uint64_t heartbeat = header.heartbeat_ns.load(std::memory_order_relaxed);
    if (now > heartbeat && now - heartbeat > kRecorderGoneNs) return false;
    if (now - since_ns_ > kNothingFreedNs) return false;
    ring_doorbell();
    const timespec slice{0, kWaitSliceNs};
    system_call(SYS_futex, address_of(&header.segments_freed), FUTEX_WAIT, freed,
                address_of(&slice));
    return true;
  }

 private:
  std::uint64_t since_ns_ = 0;
  std::uint32_t freed_ = 0;
};

bool any_segment_free() {
  const abi::ArenaHeader& header = *arena().header;
  const std::uint32_t words = (header.segment_count + 63) / 64;
  for (std::uint32_t word = 0; word < words; ++word) {
    if (header.free_map[word].load(std::memory_order_relaxed) != 0) return true;
  }
  return false;
}

enum class Renewal { kDone, kNoSegment };

Renewal renew_segment(Thread& thread, std::uint32_t size) {
  // With nothing to be had, a record that is dropped costs no system call.
  if (thread.limit == 0 && !any_segment_free()) return Renewal::kNoSegment;
  const SignalsHeld signals;
  // Where the service forbids that, its handlers go unrecorded meanwhile.
  const Muted aside(signals.held() ? nullptr : &thread);
  if (room(thread) >= size) return Renewal::kDone;  // a handler has done it meanwhile
  const std::uint32_t segment = claim_segment();
  if (thread.limit != 0) seal_segment(thread);
  if (segment == abi::kNone) return Renewal::kNoSegment;
  open_segment(thread, segment);
  write_gap(thread);
  return Renewal::kDone;
}

}  // namespace

void seal_segment(Thread& thread) {
  const std::uint64_t cursor = thread.cursor.load(std::memory_order_relaxed);
  const auto used = static_cast<std::uint32_t>(cursor);
  thread.limit = 0;
  thread.slot->stream_position += used;
  thread.slot->segment.store(abi::kNone, std::memory_order_release);
  arena().segment_headers[cursor >> 32].sealed.store(1 + used, std::memory_order_release);
}

std::byte* reserve_elsewhere(Thread& thread, std::uint32_t size) {
  if (thread.slot == nullptr) {
    arena().header->unslotted_records.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  SegmentWait wait;
  while (thread.ended == 0 && size <= max_record_bytes() &&
         arena().header->capture_stopped.load(std::memory_order_relaxed) == 0) {
    const std::uint32_t freed = arena().header->segments_freed.load(std::memory_order_acquire);
    if (renew_segment(thread, size) == Renewal::kDone) return reserve(thread, size);
    if (!arena().lossless() || !wait.next_slice(freed)) break;
  }
  note_loss(thread, size);
  ++thread.gap_records;
  thread.gap_bytes += size;
  return nullptr;
}

void note_loss(Thread& thread, std::uint64_t bytes) {
  if (thread.slot == nullptr) return;
  // Only this thread writes them; a plain addition is enough for the recorder, who reads.
  auto add = [](std::atomic<std::uint64_t>& count, std::uint64_t more) {
    count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  };
  add(thread.slot->dropped_records, 1);
  add(thread.slot->dropped_bytes, bytes);
}

std::uint8_t checked_record_flags(Thread& thread) {
  // A handler that was left by siglongjmp never said so; its frame is gone when the stack is above
  // it.
  const void* here = __builtin_frame_address(0);
  if (thread.handler_frame != nullptr && here > thread.handler_frame &&
      !thread.handler_on_own_stack) {
    thread.handler_depth = 0;
    thread.handler_frame = nullptr;
    thread.record_flags = 0;
  }
  return thread.record_flags;
}

}  // namespace reprise::agent
