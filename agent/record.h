// Writing one record (agent/abi/records.h): reserve, fill in place, commit.
//
//   if (Record<abi::Shutdown> record{thread, abi::RecordType::kShutdown, enter}) {
//     record->socket = cookie;
//     record.commit();
//   }
//
// A record that is not committed is a hole at which the recorder stops, so nothing between the
// constructor and commit() may return or block.
//
// Threading: the calling thread's own Thread; signal handlers included.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "agent/abi/records.h"
#include "agent/segment.h"
#include "agent/thread.h"

namespace reprise::agent {

struct NoBody {};

// abi::kUnordered when a signal handler of the service runs on this thread.
[[nodiscard]] std::uint8_t checked_record_flags(Thread& thread);

template <typename Body>
class Record {
 public:
  static constexpr std::uint32_t kBodyBytes = std::is_empty_v<Body> ? 0 : sizeof(Body);
  static constexpr std::uint32_t kFixedBytes = sizeof(abi::RecordHeader) + kBodyBytes;

  Record(Thread& thread, abi::RecordType type, std::uint64_t enter, std::uint32_t tail_bytes = 0,
         std::uint8_t source = 0)
      : size_(bytes(tail_bytes)), type_(type), source_(source), start_(reserve(thread, size_)) {
    begin(thread, enter, tail_bytes);
  }
  // At that place, which has room for it, or not at all: then nothing is dropped either.
  Record(Thread& thread, const Vacancy& vacancy, abi::RecordType type, std::uint64_t enter,
         std::uint32_t tail_bytes, std::uint8_t source)
      : size_(bytes(tail_bytes)),
        type_(type),
        source_(source),
        start_(try_reserve(thread, vacancy, size_)) {
    begin(thread, enter, tail_bytes);
  }

  // Of a record with such a tail.
  [[nodiscard]] static constexpr std::uint32_t bytes(std::uint32_t tail_bytes) {
    return (kFixedBytes + tail_bytes + 7) & ~7u;
  }

  [[nodiscard]] explicit operator bool() const { return start_ != nullptr; }
  void add_flags(std::uint8_t flags) { flags_ |= flags; }
  [[nodiscard]] Body* operator->() {
    return reinterpret_cast<Body*>(start_ + sizeof(abi::RecordHeader));
  }
  [[nodiscard]] std::byte* start() { return start_; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::byte* tail() { return start_ + kFixedBytes; }

  // The tail could not be filled: what is committed is only the count of what is missing.
  void become_gap(Thread& thread) {
    if (size_ < sizeof(abi::RecordHeader) + sizeof(abi::Gap)) return;
    type_ = abi::RecordType::kGap;
    flags_ = 0;
    source_ = 0;
    auto* gap = reinterpret_cast<abi::Gap*>(start_ + sizeof(abi::RecordHeader));
    gap->records = 1;
    gap->bytes = size_ - kFixedBytes;
    note_loss(thread, gap->bytes);
  }

  void commit() {
    const std::uint64_t word = size_ | std::uint64_t{static_cast<std::uint8_t>(type_)} << 32 |
                               std::uint64_t{flags_} << 40 | std::uint64_t{padding_} << 48 |
                               std::uint64_t{source_} << 56;
    __atomic_store_n(reinterpret_cast<HeaderWord*>(start_), word, __ATOMIC_RELEASE);
  }

 private:
  // All of a header but the stamp, written at once.
  using HeaderWord [[gnu::may_alias]] = std::uint64_t;
  static_assert(offsetof(abi::RecordHeader, type) == 4 && offsetof(abi::RecordHeader, flags) == 5 &&
                offsetof(abi::RecordHeader, padding) == 6 &&
                offsetof(abi::RecordHeader, source) == 7 &&
                offsetof(abi::RecordHeader, enter) == 8);

  void begin(Thread& thread, std::uint64_t enter, std::uint32_t tail_bytes) {
    if (start_ == nullptr) [[unlikely]]
      return;
    if (thread.record_flags != 0) [[unlikely]]
      flags_ = checked_record_flags(thread);
    padding_ = static_cast<std::uint8_t>(size_ - kFixedBytes - tail_bytes);
    reinterpret_cast<abi::RecordHeader*>(start_)->enter = enter;
    thread.last_wait = LastWait::kNone;
  }

  std::uint32_t size_;
  abi::RecordType type_;
  std::uint8_t flags_ = 0;
  std::uint8_t padding_ = 0;
  std::uint8_t source_ = 0;
  std::byte* start_;
};

// Says, where it happened, that one record of `bytes` could not be made.
inline void record_gap(Thread& thread, std::uint64_t bytes) {
  note_loss(thread, bytes);
  if (Record<abi::Gap> record{thread, abi::RecordType::kGap, stamp()}) {
    record->records = 1;
    record->bytes = bytes;
    record.commit();
  }
}

// The part of a payload for which it is worth to use what a segment has left.
template <typename Body>
inline constexpr std::uint64_t kLeastPart = 1024;
// A draw is one value at one address: only one that is longer than a segment comes in parts.
template <>
inline constexpr std::uint64_t kLeastPart<abi::Random> = UINT32_MAX;

// The longest tail for the next part of a payload of `remaining` bytes: what the segment being
// filled still takes, unless that is so little that the payload had better go on in a fresh one.
template <typename Body>
[[nodiscard]] std::uint32_t tail_room(const Thread& thread, std::uint64_t remaining) {
  const std::uint32_t fixed = Record<Body>::kFixedBytes + 8;
  std::uint32_t left = room(thread);
  if (left < fixed + remaining && left < fixed + kLeastPart<Body>) left = max_record_bytes();
  const std::uint32_t most = left - fixed;
  return remaining < most ? static_cast<std::uint32_t>(remaining) : most;
}

}  // namespace reprise::agent
