// Bytes of a recording, copied out of the archive once and then addressed by position.
//
// An archive is read in one pass and its bytes are needed again in an order of their own; keeping
// them in memory would make a replay as large as its recording. They go into a file without a name
// and come back as mapped pages that the kernel may drop.
//
// Ownership: owns the file and the mapping. Threading: append() and seal() from one thread; view()
// after seal() from any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "replayer/error.h"

namespace reprise::replayer {

class Payload {
 public:
  Payload() = default;
  Payload(Payload&& other) noexcept;
  Payload& operator=(Payload&& other) noexcept;
  ~Payload();

  // Returns the position of the first byte. Failures to write are told by seal().
  std::uint64_t append(std::span<const std::uint8_t> bytes);
  std::uint64_t size() const { return size_; }

  // Ends writing and maps what was written.
  [[nodiscard]] tl::expected<void, Error> seal();
  // Precondition: sealed, and the range lies in it.
  std::span<const std::uint8_t> view(std::uint64_t position, std::uint64_t length) const;

 private:
  void write_buffer();

  int file_ = -1;
  int error_ = 0;  // errno of the first failure
  std::uint64_t size_ = 0;
  std::vector<std::uint8_t> buffer_;
  const std::uint8_t* mapped_ = nullptr;
  std::uint64_t mapped_bytes_ = 0;
};

}  // namespace reprise::replayer
