#include "agent/brief.h"

#include <bit>

#include "agent/hot.h"

namespace reprise::agent {

// Written at once, and so committed.
REPRISE_HOT_CODE bool write_compact(Thread& thread, const Vacancy& vacancy, abi::RecordType type,
                                    std::uint64_t later, std::uint32_t back_bytes) {
  const std::uint32_t back = back_bytes / 8;
  if (vacancy.offset() + sizeof(abi::Compact) > thread.limit || later > abi::kMostLater ||
      back > UINT16_MAX) {
    return false;
  }
  std::byte* const start = try_reserve(thread, vacancy, sizeof(abi::Compact));
  if (start == nullptr) return false;
  std::uint8_t flags = abi::kBrief;
  if (thread.record_flags != 0) [[unlikely]]
    flags |= checked_record_flags(thread);
  thread.last_wait = LastWait::kNone;
  const abi::Compact record{static_cast<std::uint32_t>(later) << 3 | abi::kCompactMark, type, flags,
                            static_cast<std::uint16_t>(back)};
  using Word [[gnu::may_alias]] = std::uint64_t;
  __atomic_store_n(reinterpret_cast<Word*>(start), std::bit_cast<std::uint64_t>(record),
                   __ATOMIC_RELEASE);
  return true;
}

REPRISE_HOT_CODE bool write_later(Thread& thread, abi::ClockSource source, std::int64_t value_ns,
                                  std::uintptr_t caller) {
  const Vacancy vacancy(thread);
  const std::uint32_t found = recent_clock(thread.recent, caller).load(std::memory_order_relaxed);
  if (found == 0 || found - 1 + Record<abi::Clock>::kFixedBytes > vacancy.offset()) return false;
  const std::uint32_t offset = found - 1;
  const std::byte* const whole = thread.segment_bytes + offset;
  abi::Clock clock;
  __builtin_memcpy(&clock, whole + sizeof(abi::RecordHeader), sizeof clock);
  const auto* header = reinterpret_cast<const abi::RecordHeader*>(whole);
  const std::int64_t later_ns = value_ns - clock.value_ns;
  if (header->source != static_cast<std::uint8_t>(source) || clock.caller != caller ||
      later_ns < 0 || later_ns > kMostLaterNs) {
    return false;
  }
  return write_compact(thread, vacancy, abi::RecordType::kClock,
                       static_cast<std::uint64_t>(later_ns), vacancy.offset() - offset);
}

void remember_clock(Thread& thread, const std::byte* record, std::uintptr_t caller) {
  const auto offset = static_cast<std::uint64_t>(record - thread.segment_bytes);
  if (offset >= thread.limit) return;  // a handler has changed segments since
  recent_clock(thread.recent, caller)
      .store(static_cast<std::uint32_t>(offset) + 1, std::memory_order_relaxed);
}

}  // namespace reprise::agent
