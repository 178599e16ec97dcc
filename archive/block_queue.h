// Sealed blocks on their way to the file, in order. Normally a block passes straight through; when
// the file cannot grow, blocks wait here up to a bound.
//
// Each block has its place in the file from the moment it is accepted, so that a part of one which
// a full disk let through is written over by the next attempt.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "archive/file.h"

namespace reprise::archive {

class BlockQueue {
 public:
  // `offset` is where the next block goes.
  BlockQueue(std::unique_ptr<OutputFile> file, std::uint64_t offset, std::uint64_t bound);

  // Writes `block`, or keeps a copy of it. False when the bound would be exceeded, in which case
  // the block is not taken. Failures to write are told by drain().
  [[nodiscard]] bool push(std::span<const std::uint8_t> block);
  // Writes what waits.
  [[nodiscard]] tl::expected<void, Error> drain();
  [[nodiscard]] tl::expected<void, Error> close();

  OutputFile& file() { return *file_; }
  bool waiting() const { return !blocks_.empty(); }
  std::uint64_t next_offset() const { return next_offset_; }  // of the next block
  std::uint64_t written() const { return written_; }          // bytes of the file that are whole

 private:
  std::unique_ptr<OutputFile> file_;
  std::deque<std::vector<std::uint8_t>> blocks_;
  std::uint64_t waiting_bytes_ = 0;
  std::uint64_t bound_;
  std::uint64_t next_offset_;
  std::uint64_t written_;
};

}  // namespace reprise::archive
