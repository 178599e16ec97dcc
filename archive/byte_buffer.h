// A growing run of bytes that records are encoded into. Unlike std::vector it does not clear what
// it grows by, and clear() keeps the memory, so that one buffer serves a whole recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace reprise::archive {

class ByteBuffer {
 public:
  // Room for `count` more bytes; write there, then commit() what was written.
  std::uint8_t* reserve(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return bytes_.get() + size_;
  }
  void commit(std::size_t count) { size_ += count; }
  // All the room there is, at least `count` bytes of it; the same as reserve() otherwise.
  std::span<std::uint8_t> spare(std::size_t count) {
    std::uint8_t* const begin = reserve(count);
    return {begin, capacity_ - size_};
  }

  void append(const void* bytes, std::size_t count) {
    if (count == 0) return;
    std::memcpy(reserve(count), bytes, count);
    size_ += count;
  }

  void clear() { size_ = 0; }
  void truncate(std::size_t size) { size_ = size; }  // size <= this->size()

  std::uint8_t* data() { return bytes_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const std::uint8_t> view() const { return {bytes_.get(), size_}; }

 private:
  void grow(std::size_t count) {
    std::size_t wanted = capacity_ * 2 + 4096;
    if (wanted < size_ + count) wanted = size_ + count;
    std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[wanted]);
    if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace reprise::archive
