#include "archive/block_store.h"

#include <array>
#include <utility>

#include "archive/little_endian.h"

namespace reprise::archive {
namespace {

// Enough for the blocks that neighbouring exchanges share, and for pages of the index.
constexpr std::size_t kKeptBytes = 24u << 20;

}  // namespace

Coding Block::coding() const {
  const std::uint64_t base =
      payload.size() < kPayloadBaseBytes ? 0 : load_le<std::uint64_t>(payload.data());
  return {base, header.minor};
}

std::optional<BlockHeader> read_block_header(InputFile& file, std::uint64_t offset) {
  std::array<std::uint8_t, kBlockHeaderBytes> bytes;
  if (file.read_at(offset, bytes) != bytes.size()) return std::nullopt;
  return load_block_header(bytes);
}

std::shared_ptr<const Block> BlockStore::load(const BlockEntry& entry) {
  if (auto block = kept(entry.offset)) {
    return block->header.number == entry.number ? block : nullptr;
  }
  const std::string name = "block " + std::to_string(entry.number);
  const std::uint64_t bytes = kBlockHeaderBytes + entry.stored_bytes;
  const auto header = read_block_header(file_, entry.offset);
  if (!header || !is_known_major(header->major) || header->number != entry.number ||
      header->stored_bytes != entry.stored_bytes) {
    damage_.add(entry.offset, bytes, name + " is not where the index has it");
    return nullptr;
  }
  auto block = read(*header, entry.offset);
  if (block) keep(block);
  return block;
}

std::shared_ptr<const Block> BlockStore::load_at(std::uint64_t offset, std::uint32_t recording) {
  if (auto block = kept(offset)) return block;
  const auto header = read_block_header(file_, offset);
  if (!header || !is_known_major(header->major) || header->recording != recording) {
    damage_.add(offset, kBlockHeaderBytes, "no block of the index is here, where one should be");
    return nullptr;
  }
  auto block = read(*header, offset);
  if (block) keep(block);
  return block;
}

std::shared_ptr<Block> BlockStore::read(const BlockHeader& header, std::uint64_t offset) {
  auto block = std::make_shared<Block>();
  block->header = header;
  block->offset = offset;
  stored_.resize(header.stored_bytes);
  std::string problem;
  if (file_.read_at(offset + kBlockHeaderBytes, stored_) != stored_.size()) {
    problem = "it is cut off";
  } else if (auto opened = opener_.open(header, stored_, block->payload); !opened) {
    problem = opened.error();
  }
  if (problem.empty()) return block;
  damage_.add(offset, header.file_bytes(),
              "block " + std::to_string(header.number) + " cannot be read: " + problem);
  return nullptr;
}

std::shared_ptr<const Block> BlockStore::kept(std::uint64_t offset) {
  const auto found = by_offset_.find(offset);
  if (found == by_offset_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->block;
}

void BlockStore::keep(std::shared_ptr<const Block> block) {
  kept_bytes_ += block->payload.size();
  const std::uint64_t offset = block->offset;
  recent_.push_front({offset, std::move(block)});
  by_offset_[offset] = recent_.begin();
  while (kept_bytes_ > kKeptBytes && recent_.size() > 1) {
    kept_bytes_ -= recent_.back().block->payload.size();
    by_offset_.erase(recent_.back().offset);
    recent_.pop_back();
  }
}

}  // namespace reprise::archive
