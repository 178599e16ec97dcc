#include "agent/brief.h"

#include <bit>

#include "agent/hot.h"

namespace reprise::agent {

REPRISE_HOT_CODE bool write_later(Thread& thread, abi::ClockSource source, std::int64_t value_ns,
                                  std::uintptr_t caller) {
  const Vacancy vacancy(thread);
  const std::uint32_t found = recent_clock(thread.recent, caller).load(std::memory_order_relaxed);
  if (found == 0 || found - 1 + Record<abi::Clock>::kFixedBytes > vacancy.offset()) return false;
  const std::uint32_t offset = found - 1;
  if (vacancy.offset() + Record<NoBody>::kFixedBytes > thread.limit) return false;
  const std::byte* const whole = thread.segment_bytes + offset;
  abi::Clock clock;
  __builtin_memcpy(&clock, whole + sizeof(abi::RecordHeader), sizeof clock);
  const auto* header = reinterpret_cast<const abi::RecordHeader*>(whole);
  const std::int64_t later_ns = value_ns - clock.value_ns;
  if (header->source != static_cast<std::uint8_t>(source) || clock.caller != caller ||
      later_ns < 0 || later_ns > kMostLaterNs) {
    return false;
  }
  const abi::BriefClock brief{vacancy.offset() - offset, static_cast<std::uint32_t>(later_ns)};
  if (Record<NoBody> record{thread, vacancy, abi::RecordType::kClock,
                            std::bit_cast<std::uint64_t>(brief), 0,
                            static_cast<std::uint8_t>(source)}) {
    record.add_flags(abi::kBrief);
    record.commit();
    return true;
  }
  return false;
}

void remember_clock(Thread& thread, const std::byte* record, std::uintptr_t caller) {
  const auto offset = static_cast<std::uint64_t>(record - thread.segment_bytes);
  if (offset >= thread.limit) return;  // a handler has changed segments since
  recent_clock(thread.recent, caller)
      .store(static_cast<std::uint32_t>(offset) + 1, std::memory_order_relaxed);
}

}  // namespace reprise::agent
