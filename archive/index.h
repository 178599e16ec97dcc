// The index of an archive: which blocks there are, and where the last version of each exchange,
// call, connection and content lies.
//
// The writer keeps one as it goes and stores it at the end; a reader of an archive without a usable
// index builds the same one from the blocks. Both feed it BlockNotes, so there is one rule.
//
// On file a table is a run of kTable blocks, uncompressed and each but the last of equal size, so
// that the page of an entry is found by arithmetic and checked alone:
//
//   page    := table (1 byte) 0 0 0 0 0 0 0 (7) first entry's place in the table (8) entry*
//   BlockEntry := number(8) offset(8) stored(4) raw(4) records(4) kind(1) 0 0 0 first(8) last(8)
//   TableEntry := id(8) block(4) offset(4) first(4) last(4)
//
// Entries are in ascending order of their first field.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "archive/block.h"
#include "archive/byte_buffer.h"
#include "archive/record.h"
#include "event/exchange.h"

namespace reprise::archive {

struct BlockEntry {
  std::uint64_t number = 0;
  std::uint64_t offset = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t raw_bytes = 0;
  std::uint32_t records = 0;
  BlockKind kind = BlockKind::kEvents;
  std::uint64_t first_stamp = 0, last_stamp = 0;

  std::uint64_t end() const { return offset + kBlockHeaderBytes + stored_bytes; }
};

// Block numbers of tables; block 0 is the header, hence "none".
using BlockNumber = std::uint32_t;

struct TableEntry {
  std::uint64_t id = 0;
  BlockNumber block = 0;     // that holds its last record, 0 none
  std::uint32_t offset = 0;  // of the record in the payload
  // First and last block with something of it: events in its context and its calls (exchanges), I/O
  // (connections), pieces (contents). Not kept for calls.
  BlockNumber first = 0, last = 0;
};

enum class TableKind : std::uint8_t { kBlocks, kExchanges, kCalls, kConnections, kContents };

// What one block adds to the index.
class BlockNotes {
 public:
  struct Located {
    TableKind table;
    std::uint64_t id;
    std::uint32_t offset;
  };

  void note(const event::Event& event);
  void note(const event::Connection& connection, std::uint32_t offset);
  void note(const event::Exchange& exchange, std::uint32_t offset);
  void note(const event::Call& call, std::uint32_t offset);
  void note(const ContentChunk& chunk, std::uint32_t offset);
  void clear();

  // Ids this block has something of, each once, ascending.
  const std::vector<std::uint64_t>& exchanges();
  const std::vector<std::uint64_t>& connections();
  const std::vector<Located>& located() const { return located_; }
  // Smallest enter and greatest exit of its events, 0 when it has none.
  std::uint64_t first_stamp() const { return first_stamp_; }
  std::uint64_t last_stamp() const { return last_stamp_; }

 private:
  void touch_connection(event::ConnectionId connection);

  std::vector<std::uint64_t> exchanges_, connections_;
  std::vector<Located> located_;
  std::uint64_t first_stamp_ = 0, last_stamp_ = 0;
};

// Entries by id. Of several records of one id the one furthest back in the archive counts, in
// whatever order they are added. A recorder's ids are dense and nearly ascend: the entry of one is
// new, or lies as far from the end as the id from the last. From a crafted file they come in any
// order, and then additions are collected and merged in bulk: neither may be slow.
class Table {
 public:
  void locate(std::uint64_t id, BlockNumber block, std::uint32_t offset);
  void touch(std::uint64_t id, BlockNumber block);

  const TableEntry* find(std::uint64_t id);
  // The first entry with an id greater than `id` that has a record; null past the end.
  const TableEntry* next_located(std::uint64_t id);
  const std::vector<TableEntry>& entries();
  std::uint64_t located();  // entries with a record

 private:
  void add(const TableEntry& entry);
  bool add_in_place(const TableEntry& entry);
  void merge();
  static void combine(TableEntry& entry, const TableEntry& other);  // of the same id

  std::vector<TableEntry> entries_;  // the first `merged_` are sorted and unique
  std::size_t merged_ = 0;
};

struct Index {
  std::vector<BlockEntry> blocks;  // ascending by number
  Table exchanges, calls, connections, contents;

  Table& table(TableKind kind);
  // Adds what `notes` say of block `number`.
  void add(BlockNotes& notes, BlockNumber number);
};

// --- Pages ---------------------------------------------------------------------------------------

inline constexpr std::size_t kPageHeadBytes = 16;
inline constexpr std::size_t kEntriesPerPage = 1024;
inline constexpr std::size_t kBlockEntryBytes = 48;
inline constexpr std::size_t kTableEntryBytes = 24;

void begin_page(TableKind table, std::uint64_t first, ByteBuffer& page);
void append_entry(const BlockEntry& entry, ByteBuffer& page);
void append_entry(const TableEntry& entry, ByteBuffer& page);

BlockEntry load_block_entry(const std::uint8_t* at);
TableEntry load_table_entry(const std::uint8_t* at);

}  // namespace reprise::archive
