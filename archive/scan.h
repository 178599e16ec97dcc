// Finds the whole blocks of an archive one after another, without an index.
//
// Headers are trusted when their checksum holds; payloads are not looked at unless the next header
// is missing. Then the search goes on byte by byte, from the payload of the block before if that
// one is broken (bytes may have been taken out of it), else from its end. Only blocks of the same
// recording with a higher number count, so that an archive inside a recorded body is not taken for
// this one.
#pragma once

#include <cstdint>
#include <optional>

#include "archive/block.h"
#include "archive/block_store.h"
#include "archive/file.h"

namespace reprise::archive {

struct FoundBlock {
  BlockHeader header;
  std::uint64_t offset = 0;

  std::uint64_t end() const { return offset + header.file_bytes(); }
  BlockEntry entry() const;
};

class Scan {
 public:
  // `store` is borrowed. The first valid block decides which recording it is.
  explicit Scan(BlockStore& store) : store_(store) {}

  // The next whole block that is in the file now. None at its end for the time being: when the file
  // has grown, later calls go on.
  std::optional<FoundBlock> next();

  // Behind the last whole block.
  std::uint64_t end() const { return last_ ? last_->end() : 0; }
  // Bytes behind it, the beginning of a block that is being written or was cut off.
  std::uint64_t tail_bytes() const;

 private:
  std::optional<BlockHeader> header_at(std::uint64_t offset) const;
  std::optional<BlockHeader> ours(const std::optional<BlockHeader>& header) const;
  std::optional<FoundBlock> search(std::uint64_t from, std::uint64_t size);
  FoundBlock take(const FoundBlock& found);
  std::uint64_t search_start();

  BlockStore& store_;
  std::optional<FoundBlock> last_;
  std::uint64_t searched_to_ = 0;    // no whole block begins before, from end() on
  std::uint64_t searched_size_ = 0;  // size of the file when nothing was found in it
};

}  // namespace reprise::archive
