// Reading the service's bytes.
//
// The service may hand a system call memory that is not there: the kernel then answers EFAULT, and
// so the agent must not die of it. What reads the service's memory is code of known extent that
// touches no stack; when it faults, the agent's signal handler lets it return false.
//
// Threading: any thread, signal handlers included.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace reprise::agent {

extern "C" {
// Copies `length` bytes; false when `from` or `to` could not be accessed. The ranges do not
// overlap.
[[nodiscard, gnu::visibility("hidden")]] bool reprise_copy_bytes(void* to, const void* from,
                                                                 std::size_t length);
// Whether both have the same `length` bytes; false when either could not be accessed.
[[nodiscard, gnu::visibility("hidden")]] bool reprise_equal_bytes(const void* one,
                                                                  const void* other,
                                                                  std::size_t length);
// The extent of both, and where they go on after a fault.
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
  // Whether the next `length` bytes, of which there must be that many, are those at `earlier`.
  [[nodiscard]] bool equals(const std::byte* earlier, std::size_t length) const {
    if (count_ != 0) return equals_scattered(earlier, length);
    return reprise_equal_bytes(earlier, static_cast<const std::byte*>(single_.iov_base) + used_,
                               length);
  }

 private:
  [[nodiscard]] bool copy_scattered(std::byte* to, std::size_t length);
  [[nodiscard]] bool equals_scattered(const std::byte* earlier, std::size_t length) const;
  [[nodiscard]] const iovec& vector() const { return count_ == 0 ? single_ : *vectors_; }
  void advance(std::size_t length);

  iovec single_{};
  const iovec* vectors_ = nullptr;
  std::size_t count_ = 0;  // vectors left; 0: the bytes are in single_
  std::size_t used_ = 0;   // of the first one
};

// Total bytes of the vectors; saturates.
[[nodiscard]] std::size_t total_bytes(const iovec* vectors, std::size_t count);

}  // namespace reprise::agent
