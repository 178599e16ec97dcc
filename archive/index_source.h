// Answers the reader's questions about where things lie: from the index stored in the archive, or
// from one built by a scan. Both are asked by ascending ids and numbers, so that a reader can
// change from the one to the other in the middle of an iteration.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "archive/block_store.h"
#include "archive/index.h"
#include "archive/scan.h"

namespace reprise::archive {

class IndexSource {
 public:
  virtual ~IndexSource() = default;

  // The first block with a number greater than `number`, none past the end.
  virtual std::optional<BlockEntry> next_block(std::uint64_t number) = 0;
  virtual std::optional<BlockEntry> block(std::uint64_t number) = 0;
  // Number of a block at or a little before the first one that has events at `stamp` or later. A
  // hint: blocks are nearly, not strictly, in the order of their stamps.
  virtual std::uint64_t number_reaching(std::uint64_t stamp) = 0;

  // Where the last record of `id` is.
  virtual std::optional<TableEntry> find(TableKind table, std::uint64_t id) = 0;
  // The same, with `first` and `last` for certain.
  virtual std::optional<TableEntry> find_span(TableKind table, std::uint64_t id) = 0;
  // The first entry with a record and an id greater than `id`.
  virtual std::optional<TableEntry> next(TableKind table, std::uint64_t id) = 0;
  virtual std::uint64_t count(TableKind table) = 0;  // ids with a record

  // Something here proved wrong; its answers must not be relied on any longer.
  virtual bool broken() const = 0;
};

// What the last blocks of a finished archive say.
struct Ending {
  Header header;
  Trailer trailer;
  TableRoots roots;
  std::uint32_t recording = 0;
  std::uint16_t minor = 0;
};

// Reads the records of a kTrailer block. Damage is listed in `store`.
std::optional<Ending> read_ending(const Block& block, BlockStore& store);
// Follows the kEnd block; none when the archive does not end in one.
std::optional<Ending> find_ending(BlockStore& store);

// Pages of the stored tables, a few of them in memory at a time. `store` is borrowed.
std::unique_ptr<IndexSource> make_stored_index(BlockStore& store, const Ending& ending);

// Built from the blocks themselves, wherever in the file they are: their numbers tell the order.
// Which blocks there are and the tables' locations come from headers and derived blocks; spans need
// the events, which are read on the first question for one.
class ScannedIndex : public IndexSource {
 public:
  explicit ScannedIndex(BlockStore& store) : store_(store), scan_(store) {}

  // Takes in blocks the file has gained.
  void extend();
  // The same, and reads all events and contents.
  void extend_spans();

  Index& index() { return index_; }
  const Scan& scan() const { return scan_; }
  const std::optional<Header>& header() const { return header_; }
  std::uint32_t recording() const { return recording_; }
  const std::optional<Trailer>& trailer() const { return trailer_; }
  // Of the events seen by extend_spans().
  std::uint64_t events() const { return events_; }
  std::uint64_t gaps() const { return gaps_; }
  std::uint64_t dropped() const { return dropped_; }

  std::optional<BlockEntry> next_block(std::uint64_t number) override;
  std::optional<BlockEntry> block(std::uint64_t number) override;
  std::uint64_t number_reaching(std::uint64_t stamp) override;
  std::optional<TableEntry> find(TableKind table, std::uint64_t id) override;
  std::optional<TableEntry> find_span(TableKind table, std::uint64_t id) override;
  std::optional<TableEntry> next(TableKind table, std::uint64_t id) override;
  std::uint64_t count(TableKind table) override;
  bool broken() const override { return false; }

 private:
  void take(const FoundBlock& found);
  void sort_in_late();
  void tell_of_missing();
  void note_derived(const Block& block);
  void note_events(const Block& block);
  void note_contents(const Block& block);

  BlockStore& store_;
  Scan scan_;
  Index index_;
  std::vector<BlockEntry> late_;       // found behind blocks with higher numbers
  std::vector<BlockEntry> unspanned_;  // whose events or contents are not in the index yet
  std::uint64_t checked_to_ = 0;       // numbers below are there, or were told to be missing
  std::optional<Header> header_;
  std::optional<Trailer> trailer_;
  std::uint32_t recording_ = 0;
  std::uint64_t events_ = 0, gaps_ = 0, dropped_ = 0;
};

// Calls visit(RawRecord) for each record of the block until it returns false. A block that ends in
// the middle of a record is listed as damage.
template <typename Visit>
bool each_record(const Block& block, DamageList& damage, Visit&& visit) {
  RecordCursor cursor(block.payload);
  while (const auto record = cursor.next()) {
    if (!visit(*record)) return false;
  }
  if (cursor.malformed()) {
    damage.add(block.offset, block.header.file_bytes(),
               "block " + std::to_string(block.header.number) + " has a record that exceeds it");
  }
  return true;
}

// Decodes a record of `block`. What cannot be decoded is listed as damage.
template <typename Record>
bool decode_or_tell(const Block& block, const RawRecord& raw, Record& out, DamageList& damage) {
  const Decoded decoded = decode(raw, block.coding(), out);
  if (decoded) return true;
  damage.add(block.offset, kRecordHeadBytes + raw.body.size(),
             "the record at " + std::to_string(raw.offset) + " of block " +
                 std::to_string(block.header.number) + " cannot be read: " + decoded.error());
  return false;
}

}  // namespace reprise::archive
