#include "archive/scan.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace reprise::archive {
namespace {

constexpr std::size_t kSearchBytes = 1u << 20;
// Something that shows no block this far is no archive, and need not be read to its end.
constexpr std::uint64_t kFirstBlockWithin = 64u << 20;

}  // namespace

BlockEntry FoundBlock::entry() const {
  return {header.number,  offset,      header.stored_bytes, header.raw_bytes,
          header.records, header.kind, header.first_stamp,  header.last_stamp};
}

std::optional<FoundBlock> Scan::next() {
  const std::uint64_t size = store_.file().size();
  const std::uint64_t expected = end();
  if (expected >= size || size == searched_size_) return std::nullopt;
  if (const auto header = header_at(expected)) {
    const FoundBlock found{*header, expected};
    if (found.end() <= size) return take(found);
  }
  const auto found = search(std::max(search_start(), searched_to_), size);
  if (!found) {
    searched_size_ = size;
    return std::nullopt;
  }
  if (found->offset > expected) {
    store_.damage().add(expected, found->offset - expected,
                        "not a block, where block " +
                            std::to_string(last_ ? last_->header.number + 1 : 0) + " should be");
  }
  return take(*found);
}

FoundBlock Scan::take(const FoundBlock& found) {
  searched_to_ = 0;
  searched_size_ = 0;
  last_ = found;
  return found;
}

std::uint64_t Scan::tail_bytes() const {
  const std::uint64_t size = store_.file().size();
  return size > end() ? size - end() : 0;
}

std::optional<BlockHeader> Scan::header_at(std::uint64_t offset) const {
  return ours(read_block_header(store_.file(), offset));
}

std::optional<BlockHeader> Scan::ours(const std::optional<BlockHeader>& header) const {
  if (!header || !is_known_major(header->major)) return std::nullopt;
  if (last_ && header->recording != last_->header.recording) return std::nullopt;
  return header;
}

// Where a search for the block after `last_` has to begin.
std::uint64_t Scan::search_start() {
  if (!last_) return 0;
  return store_.load(last_->entry()) ? last_->end() : last_->offset + kBlockHeaderBytes;
}

std::optional<FoundBlock> Scan::search(std::uint64_t from, std::uint64_t size) {
  std::vector<std::uint8_t> window(std::min<std::uint64_t>(kSearchBytes, size - from));
  std::uint64_t incomplete = size;
  while (from + kBlockHeaderBytes <= size) {
    if (!last_ && from > kFirstBlockWithin) return std::nullopt;
    const std::size_t count = store_.file().read_at(from, window);
    if (count < kBlockHeaderBytes) break;
    const std::uint8_t* at = window.data();
    const std::uint8_t* const stop = at + count;
    // Only headers that the window holds as a whole; it overlaps the next one by almost a header.
    while ((at = static_cast<const std::uint8_t*>(
                memmem(at, static_cast<std::size_t>(stop - at), kMagic.data(), kMagic.size()))) &&
           static_cast<std::size_t>(stop - at) >= kBlockHeaderBytes) {
      const std::uint64_t offset = from + static_cast<std::uint64_t>(at - window.data());
      if (const auto header = ours(load_block_header(
              std::span<const std::uint8_t, kBlockHeaderBytes>(at, kBlockHeaderBytes)))) {
        const FoundBlock found{*header, offset};
        if (found.end() <= size) return found;
        incomplete = std::min(incomplete, offset);
      }
      ++at;
    }
    from += count - (kBlockHeaderBytes - 1);
  }
  // When the file has grown, a block that was begun may be whole.
  searched_to_ = std::min(incomplete, size - std::min<std::uint64_t>(size, kBlockHeaderBytes - 1));
  return std::nullopt;
}

}  // namespace reprise::archive
