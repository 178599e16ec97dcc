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
      : size_((kFixedBytes + tail_bytes + 7) & ~7u), start_(reserve(thread, size_)) {
    if (start_ == nullptr) [[unlikely]]
      return;
    abi::RecordHeader& fresh = header();
    fresh.type = type;
    fresh.flags = thread.record_flags == 0 ? 0 : checked_record_flags(thread);
    fresh.padding = static_cast<std::uint8_t>(size_ - kFixedBytes - tail_bytes);
    fresh.source = source;
    fresh.enter = enter;
    thread.last_wait = LastWait::kNone;
  }

  [[nodiscard]] explicit operator bool() const { return start_ != nullptr; }
  [[nodiscard]] abi::RecordHeader& header() {
    return *reinterpret_cast<abi::RecordHeader*>(start_);
  }
  [[nodiscard]] Body* operator->() {
    return reinterpret_cast<Body*>(start_ + sizeof(abi::RecordHeader));
  }
  [[nodiscard]] std::byte* tail() { return start_ + kFixedBytes; }

  // The tail could not be filled: what is committed is only the count of what is missing.
  void become_gap(Thread& thread) {
    if (size_ < sizeof(abi::RecordHeader) + sizeof(abi::Gap)) return;
    header().type = abi::RecordType::kGap;
    header().flags = 0;
    header().source = 0;
    auto* gap = reinterpret_cast<abi::Gap*>(start_ + sizeof(abi::RecordHeader));
    gap->records = 1;
    gap->bytes = size_ - kFixedBytes;
    note_loss(thread, gap->bytes);
  }

  void commit() { header().size.store(size_, std::memory_order_release); }

 private:
  std::uint32_t size_;
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
