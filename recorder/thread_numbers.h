// Which thread of the archive has which ThreadSlot of the arena, kept in the session directory so
// that a recovery can tell records that are in the archive already. Owns its mapping.
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "recorder/error.h"

namespace reprise::recorder {

class ThreadNumbers {
 public:
  [[nodiscard]] static tl::expected<ThreadNumbers, Error> create(const std::string& path,
                                                                 std::size_t slots);
  [[nodiscard]] static tl::expected<ThreadNumbers, Error> open(const std::string& path,
                                                               std::size_t slots);
  ThreadNumbers(ThreadNumbers&& other) noexcept;
  ThreadNumbers& operator=(ThreadNumbers&&) = delete;
  ~ThreadNumbers();

  // By ThreadSlot; 0: not known.
  std::span<std::uint64_t> values() { return {numbers_, slots_}; }

 private:
  ThreadNumbers() = default;
  static tl::expected<ThreadNumbers, Error> map(const std::string& path, std::size_t slots,
                                                bool create);

  std::uint64_t* numbers_ = nullptr;
  std::size_t slots_ = 0;
};

}  // namespace reprise::recorder
