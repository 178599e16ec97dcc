// Copying the service's bytes into records.
//
// The service may hand a system call memory that is not there: the kernel then answers EFAULT, and
// so the agent must not die of it. copy_bytes() is code of known extent that touches no stack; when
// it faults, the agent's signal handler lets it return false (agent/signal_frame.h).
//
// Threading: any thread, signal handlers included.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "agent/record.h"

namespace reprise::agent {

extern "C" {
// Copies `length` bytes; false when `from` or `to` could not be accessed. The ranges do not
// overlap.
[[nodiscard, gnu::visibility("hidden")]] bool reprise_copy_bytes(void* to, const void* from,
                                                                 std::size_t length);
// The extent of reprise_copy_bytes, and where it goes on after a fault.
[[gnu::visibility("hidden")]] extern const char reprise_copy_begin[];
[[gnu::visibility("hidden")]] extern const char reprise_copy_end[];
[[gnu::visibility("hidden")]] extern const char reprise_copy_failed[];
}

// Bytes that lie scattered over the service's memory, read from front to back.
class Gather {
 public:
  Gather(const void* bytes, std::size_t length) : single_{const_cast<void*>(bytes), length} {}
  Gather(const iovec* vectors, std::size_t count) : vectors_(vectors), count_(count) {}

  // Copies the next `length` bytes, of which there must be that many; false after a fault.
  [[nodiscard]] bool copy(std::byte* to, std::size_t length) {
    if (count_ != 0) return copy_scattered(to, length);
    const auto* from = static_cast<const std::byte*>(single_.iov_base) + used_;
    used_ += length;
    return length == 0 || reprise_copy_bytes(to, from, length);
  }
  // Passes over the next `length` bytes.
  void skip(std::size_t length);

 private:
  [[nodiscard]] bool copy_scattered(std::byte* to, std::size_t length);
  [[nodiscard]] const iovec& vector() const { return count_ == 0 ? single_ : *vectors_; }
  void advance(std::size_t length);

  iovec single_{};
  const iovec* vectors_ = nullptr;
  std::size_t count_ = 0;  // vectors left; 0: the bytes are in single_
  std::size_t used_ = 0;   // of the first one
};

// Total bytes of the vectors; saturates.
[[nodiscard]] std::size_t total_bytes(const iovec* vectors, std::size_t count);

// Writes `length` bytes of `gather` as records of one type in as many parts as they need. `fill` is
// called with each record, the part's offset within the payload and its length. All parts but the
// last carry abi::kContinues, and the last one too when `more` says that the payload goes on later.
template <typename Body, typename Fill>
void write_parts(Thread& thread, abi::RecordType type, std::uint64_t enter, std::uint8_t source,
                 Gather& gather, std::uint64_t length, bool more, Fill fill) {
  std::uint64_t done = 0;
  do {
    const std::uint32_t part = tail_room<Body>(thread, length - done);
    const bool last = done + part == length;
    if (Record<Body> record{thread, type, enter, part, source}) {
      fill(record, done, part);
      if (!last || more) record.add_flags(abi::kContinues);
      if (!gather.copy(record.tail(), part)) [[unlikely]]
        record.become_gap(thread);
      record.commit();
    } else {
      gather.skip(part);
    }
    done += part;
    if (last) return;
  } while (true);
}

}  // namespace reprise::agent
