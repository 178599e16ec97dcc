// Bytes of any number, as size, hash and beginning.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace reprise::event {

class ByteDigest {
 public:
  void add(std::span<const std::uint8_t> bytes);

  std::uint64_t size() const { return size_; }
  std::uint64_t hash() const { return hash_; }  // FNV-1a, 64 bits
  const std::string& excerpt() const { return excerpt_; }

 private:
  std::uint64_t size_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::string excerpt_;
};

}  // namespace reprise::event
