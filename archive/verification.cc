#include "archive/verification.h"

#include <string>

#include "archive/index_source.h"

namespace reprise::archive {
namespace {

void check_record_count(const Block& block, DamageList& damage) {
  std::uint32_t records = 0;
  each_record(block, damage, [&](const RawRecord&) {
    ++records;
    return true;
  });
  if (records == block.header.records) return;
  damage.add(block.offset, 0,
             "block " + std::to_string(block.header.number) + " has " + std::to_string(records) +
                 " records and says " + std::to_string(block.header.records));
}

bool has_records(BlockKind kind) { return kind != BlockKind::kTable && kind != BlockKind::kEnd; }

// Kinds that the stored table of blocks lists: those before it.
bool is_listed(BlockKind kind) { return has_records(kind) && kind != BlockKind::kTrailer; }

bool equal(const BlockEntry& a, const BlockEntry& b) {
  return a.number == b.number && a.offset == b.offset && a.stored_bytes == b.stored_bytes &&
         a.raw_bytes == b.raw_bytes && a.records == b.records && a.kind == b.kind &&
         a.first_stamp == b.first_stamp && a.last_stamp == b.last_stamp;
}

bool equal(const TableEntry& a, const TableEntry& b) {
  return a.id == b.id && a.block == b.block && a.offset == b.offset && a.first == b.first &&
         a.last == b.last;
}

bool same_blocks(IndexSource& stored, const Index& found) {
  std::optional<BlockEntry> next = stored.block(0);
  for (const BlockEntry& entry : found.blocks) {
    if (!is_listed(entry.kind)) continue;
    if (!next || !equal(*next, entry)) return false;
    next = stored.next_block(next->number);
  }
  return !next;
}

bool same_table(IndexSource& stored, ScannedIndex& found, TableKind table) {
  std::uint64_t id = 0;
  for (;;) {
    const auto a = stored.next(table, id);
    const auto b = found.next(table, id);
    if (!a || !b) return !a && !b;
    if (!equal(*a, *b)) return false;
    id = a->id;
  }
}

void check_index(BlockStore& store, ScannedIndex& found, const Ending& ending) {
  const auto stored = make_stored_index(store, ending);
  bool same = same_blocks(*stored, found.index());
  for (const TableKind table :
       {TableKind::kExchanges, TableKind::kCalls, TableKind::kConnections, TableKind::kContents}) {
    same = same && same_table(*stored, found, table);
  }
  if (same && !stored->broken()) return;
  store.damage().add(ending.roots.blocks.offset, 0, "the index does not agree with the blocks");
}

}  // namespace

void verify_blocks(BlockStore& store, bool has_trailer) {
  const auto ending = find_ending(store);
  ScannedIndex found(store);
  found.extend_spans();
  for (const BlockEntry& entry : found.index().blocks) {
    const auto block = store.load(entry);
    if (block && has_records(entry.kind)) check_record_count(*block, store.damage());
  }
  const Scan& scan = found.scan();
  if (scan.tail_bytes() != 0) {
    store.damage().add(scan.end(), scan.tail_bytes(),
                       has_trailer ? "bytes behind the last whole block of the archive"
                                   : "the last block is cut off, or still being written");
  } else if (has_trailer && !ending) {
    store.damage().add(scan.end(), 0, "the end of the archive is missing or damaged");
  }
  // Damaged blocks are missing from what was found; that the index names them is no second fault.
  if (ending && store.damage().all().empty()) check_index(store, found, *ending);
}

}  // namespace reprise::archive
