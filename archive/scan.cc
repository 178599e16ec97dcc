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
  if (expected >= size) return std::nullopt;
  if (const auto header = header_at(expected)) {
    const FoundBlock found{*header, expected};
    if (found.end() <= size) return last_ = found;
  }
  const auto found = search(std::max(search_start(), searched_to_));
  if (!found) {
    // The last bytes may be the beginning of a block that is being written.
    searched_to_ = size < kBlockHeaderBytes ? 0 : size - kBlockHeaderBytes;
    return std::nullopt;
  }
  if (found->offset > expected) {
    store_.damage().add(expected, found->offset - expected,
                        "not a block, where block " +
                            std::to_string(last_ ? last_->header.number + 1 : 0) + " should be");
  }
  searched_to_ = 0;
  return last_ = *found;
}

std::uint64_t Scan::tail_bytes() const {
  const std::uint64_t size = store_.file().size();
  return size > end() ? size - end() : 0;
}

std::optional<BlockHeader> Scan::header_at(std::uint64_t offset) const {
  const auto header = read_block_header(store_.file(), offset);
  if (!header || header->major != kMajorVersion) return std::nullopt;
  if (last_ && header->recording != last_->header.recording) return std::nullopt;
  return header;
}

// Where a search for the block after `last_` has to begin.
std::uint64_t Scan::search_start() {
  if (!last_) return 0;
  return store_.load(last_->entry()) ? last_->end() : last_->offset + kBlockHeaderBytes;
}

std::optional<FoundBlock> Scan::search(std::uint64_t from) {
  const std::uint64_t size = store_.file().size();
  std::vector<std::uint8_t> window(kSearchBytes);
  while (from + kBlockHeaderBytes <= size) {
    if (!last_ && from > kFirstBlockWithin) return std::nullopt;
    const std::size_t count = store_.file().read_at(from, window);
    if (count < kBlockHeaderBytes) return std::nullopt;
    const std::uint8_t* at = window.data();
    const std::uint8_t* const stop = at + count;
    while ((at = static_cast<const std::uint8_t*>(
                memmem(at, static_cast<std::size_t>(stop - at), kMagic.data(), kMagic.size())))) {
      const std::uint64_t offset = from + static_cast<std::uint64_t>(at - window.data());
      if (const auto header = header_at(offset)) {
        const FoundBlock found{*header, offset};
        if (found.end() <= size) return found;
      }
      ++at;
    }
    // The windows overlap by what a magic number across their border needs.
    from += count - (kMagic.size() - 1);
    if (count < window.size()) break;
  }
  return std::nullopt;
}

}  // namespace reprise::archive
