// Bytes of any number, as size, hash and beginning; and whole where they are to be looked into.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "event/event.h"

namespace reprise::event {

// At most so many bytes from `from` on, in printable ASCII, with a dot for all other.
[[nodiscard]] std::string excerpt_of(std::span<const std::uint8_t> bytes, std::size_t from = 0);

class ByteDigest {
 public:
  void add(std::span<const std::uint8_t> bytes);

  std::uint64_t size() const { return size_; }
  std::uint64_t hash() const { return hash_; }  // FNV-1a, 64 bits
  const std::string& excerpt() const { return excerpt_; }
  const Bytes& whole() const { return whole_; }  // of what was added after keep_whole()

  void keep_whole() { keeps_ = true; }

 private:
  std::uint64_t size_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::string excerpt_;
  bool keeps_ = false;
  Bytes whole_;
};

}  // namespace reprise::event
