// Whole blocks of one file: read, checked, decompressed, and the latest of them kept.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "archive/block.h"
#include "archive/damage.h"
#include "archive/file.h"
#include "archive/index.h"

namespace reprise::archive {

class RecordLookup;

struct Block {
  BlockHeader header;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> payload;
  // Made when a reader first looks for single records; smaller than the payload.
  mutable std::shared_ptr<const RecordLookup> lookup;

  Coding coding() const;
};

class BlockStore {
 public:
  // `file` and `damage` are borrowed.
  BlockStore(InputFile& file, DamageList& damage) : file_(file), damage_(damage) {}

  // The block that `entry` names; null when it is not there or not whole, which is listed as
  // damage.
  std::shared_ptr<const Block> load(const BlockEntry& entry);
  // The block at `offset`, whatever its number; null likewise.
  std::shared_ptr<const Block> load_at(std::uint64_t offset, std::uint32_t recording);

  InputFile& file() { return file_; }
  DamageList& damage() { return damage_; }

 private:
  struct Kept {
    std::uint64_t offset;
    std::shared_ptr<const Block> block;
  };

  std::shared_ptr<const Block> kept(std::uint64_t offset);
  void keep(std::shared_ptr<const Block> block);
  std::shared_ptr<Block> read(const BlockHeader& header, std::uint64_t offset);

  InputFile& file_;
  DamageList& damage_;
  BlockOpener opener_;
  std::vector<std::uint8_t> stored_;  // scratch
  std::list<Kept> recent_;            // latest first
  std::unordered_map<std::uint64_t, std::list<Kept>::iterator> by_offset_;
  std::size_t kept_bytes_ = 0;
};

// The header at `offset` of the file, none when there is not a valid one.
std::optional<BlockHeader> read_block_header(InputFile& file, std::uint64_t offset);

}  // namespace reprise::archive
