// Records that name an earlier one of their segment in place of what is the same (abi::kBrief).
//
// Clients ask the same again, servers say the same again, and a loop reads the same clocks each
// time round. A comparison with what is still in the cache costs less than a copy, and what is not
// written has not to be read, kept and compressed by the recorder.
//
// Which earlier record may be named is looked up by hash: for a payload there are two candidates,
// the last ones of its length or of another that shares their place; for a clock read one. A
// segment that is opened has none. A signal handler may change all this under the code it
// interrupts: what is found is only good for a record at the Vacancy from before the search, whose
// reservation fails then.
//
// Threading: the calling thread's own Thread; signal handlers included.
#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/gather.h"
#include "agent/record.h"
#include "agent/thread.h"

namespace reprise::agent {

// Shorter payloads are copied: that they are the same would take as many bytes to say.
inline constexpr std::uint64_t kLeastRepeated = 32;
// A clock read is told by its distance for so long: stamp and clock may drift apart.
inline constexpr std::int64_t kMostLaterNs = 1'000'000;

inline void forget(Recent& recent) {
  for (auto& payload : recent.payloads) payload.store(0, std::memory_order_relaxed);
  for (auto& clock : recent.clocks) clock.store(0, std::memory_order_relaxed);
}

// The pair that a payload belongs to. Received and sent ones have the same: what is passed on
// comes again.
[[nodiscard]] inline std::atomic<std::uint64_t>* recent_payloads(Recent& recent,
                                                                 std::uint64_t length) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15u;
  static_assert(Recent::kPayloads == 16 * 2);
  return &recent.payloads[2 * (length * kPrime >> 60)];
}
[[nodiscard]] inline std::atomic<std::uint32_t>& recent_clock(Recent& recent,
                                                              std::uintptr_t caller) {
  return recent.clocks[(caller ^ caller >> 5) % Recent::kClocks];
}

// A record with that payload lies at `tail`, and is committed.
inline void remember_payload(Thread& thread, const std::byte* tail, std::uint64_t length) {
  if (length < kLeastRepeated) return;
  const auto offset = static_cast<std::uint64_t>(tail - thread.segment_bytes);
  if (offset >= thread.limit) return;  // a handler has changed segments since
  std::atomic<std::uint64_t>* const pair = recent_payloads(thread.recent, length);
  pair[1].store(pair[0].load(std::memory_order_relaxed), std::memory_order_relaxed);
  pair[0].store(offset << 32 | length, std::memory_order_relaxed);
}

// Where in the segment a payload lies that is equal to the next `length` bytes of `gather`, if it
// is in front of the vacancy; 0 when none is known.
[[nodiscard]] inline std::uint32_t find_equal(Thread& thread, const Vacancy& vacancy,
                                              const Gather& gather, std::uint64_t length) {
  const std::atomic<std::uint64_t>* const pair = recent_payloads(thread.recent, length);
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t found = pair[i].load(std::memory_order_relaxed);
    const auto offset = static_cast<std::uint32_t>(found >> 32);
    if (static_cast<std::uint32_t>(found) == length && offset + length <= vacancy.offset() &&
        gather.equals(thread.segment_bytes + offset, length)) {
      return offset;
    }
  }
  return 0;
}

// Writes the record in brief if the payload is that of an earlier one; false when there is none.
// `fill` as in write_parts().
template <typename Body, typename Fill>
[[nodiscard]] bool write_repeated(Thread& thread, abi::RecordType type, std::uint64_t enter,
                                  std::uint8_t source, const Gather& gather, std::uint64_t length,
                                  Fill fill) {
  if (length < kLeastRepeated) return false;
  const Vacancy vacancy(thread);
  if (vacancy.offset() + Record<Body>::bytes(sizeof(abi::Earlier)) > thread.limit) return false;
  const std::uint32_t offset = find_equal(thread, vacancy, gather, length);
  if (offset == 0) return false;
  if (Record<Body> record{thread, vacancy, type, enter, sizeof(abi::Earlier), source}) {
    fill(record, 0, static_cast<std::uint32_t>(length));
    const abi::Earlier earlier{vacancy.offset() - offset, static_cast<std::uint32_t>(length)};
    __builtin_memcpy(record.tail(), &earlier, sizeof earlier);
    record.add_flags(abi::kBrief);
    record.commit();
    return true;
  }
  return false;
}

// Writes a Compact record of `later` at that place; false, and nothing is written, when a handler
// has written there since, or there is no room.
[[nodiscard]] bool write_compact(Thread& thread, const Vacancy& vacancy, abi::RecordType type,
                                 std::uint64_t later, std::uint32_t back_bytes);

// Writes a read of a clock that runs like the stamp in brief, if there was one by the same caller
// just before; false when there was none.
[[nodiscard]] bool write_later(Thread& thread, abi::ClockSource source, std::int64_t value_ns,
                               std::uintptr_t caller);
// A whole record of such a read lies at `record`, and is committed.
void remember_clock(Thread& thread, const std::byte* record, std::uintptr_t caller);

}  // namespace reprise::agent
