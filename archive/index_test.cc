#include "archive/index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace reprise::archive {
namespace {

TEST(Table, LaterRecordOfAnIdReplacesTheEarlierOne) {
  Table table;
  table.locate(5, 1, 10);
  table.locate(5, 3, 20);
  table.touch(5, 7);
  const TableEntry* entry = table.find(5);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->block, 3u);
  EXPECT_EQ(entry->offset, 20u);
  EXPECT_EQ(entry->first, 1u);
  EXPECT_EQ(entry->last, 7u);
}

TEST(Table, TouchedIdWithoutARecordHasASpanAndIsNotCounted) {
  Table table;
  table.touch(5, 7);
  ASSERT_NE(table.find(5), nullptr);
  EXPECT_EQ(table.next_located(0), nullptr);
  EXPECT_EQ(table.located(), 0u);
}

TEST(Table, AgreesWithAMapOnRandomAdditions) {
  std::mt19937 random(3);
  Table table;
  std::map<std::uint64_t, TableEntry> oracle;
  for (BlockNumber block = 1; block <= 60'000; ++block) {
    const std::uint64_t id = 1 + random() % 5000;
    TableEntry& known = oracle[id];
    if (known.id == 0) known.first = block;
    known.id = id;
    known.last = block;
    if (random() % 2 == 0) {
      table.locate(id, block, block * 2);
      known.block = block;
      known.offset = block * 2;
    } else {
      table.touch(id, block);
    }
    if (block % 7001 == 0) {
      EXPECT_NE(table.find(id), nullptr);
    }
  }
  ASSERT_EQ(table.entries().size(), oracle.size());
  for (const TableEntry& entry : table.entries()) {
    const TableEntry& expected = oracle.at(entry.id);
    EXPECT_EQ(entry.block, expected.block);
    EXPECT_EQ(entry.offset, expected.offset);
    EXPECT_EQ(entry.first, expected.first);
    EXPECT_EQ(entry.last, expected.last);
  }
}

// Every id once, downwards: an insertion into a sorted sequence would take the square.
TEST(Table, IdsInAnyOrderAreNotSlow) {
  Table table;
  for (std::uint64_t id = 2'000'000; id > 0; --id) table.touch(id, 1);
  EXPECT_EQ(table.entries().size(), 2'000'000u);
}

TEST(BlockNotes, NamesEachExchangeAndConnectionOnce) {
  BlockNotes notes;
  for (const std::uint64_t id : {3, 1, 3, 2, 1}) {
    event::Event event;
    event.enter = {100 + id};
    event.exit = {200 + id};
    event.context = event::Context::of({id});
    event.fact = event::BytesReceived{.connection = {10 + id}};
    notes.note(event);
  }
  EXPECT_EQ(notes.exchanges(), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(notes.connections(), (std::vector<std::uint64_t>{11, 12, 13}));
  EXPECT_EQ(notes.first_stamp(), 101u);
  EXPECT_EQ(notes.last_stamp(), 203u);
}

TEST(IndexPages, EntriesComeBackAsTheyWere) {
  ByteBuffer page;
  begin_page(TableKind::kCalls, 7, page);
  append_entry(BlockEntry{1, 2, 3, 4, 5, BlockKind::kDerived, 6, 7}, page);
  append_entry(TableEntry{8, 9, 10, 11, 12}, page);
  ASSERT_EQ(page.size(), kPageHeadBytes + kBlockEntryBytes + kTableEntryBytes);
  const BlockEntry block = load_block_entry(page.data() + kPageHeadBytes);
  EXPECT_EQ(block.number, 1u);
  EXPECT_EQ(block.offset, 2u);
  EXPECT_EQ(block.stored_bytes, 3u);
  EXPECT_EQ(block.raw_bytes, 4u);
  EXPECT_EQ(block.records, 5u);
  EXPECT_EQ(block.kind, BlockKind::kDerived);
  EXPECT_EQ(block.first_stamp, 6u);
  EXPECT_EQ(block.last_stamp, 7u);
  const TableEntry entry = load_table_entry(page.data() + kPageHeadBytes + kBlockEntryBytes);
  EXPECT_EQ(entry.id, 8u);
  EXPECT_EQ(entry.block, 9u);
  EXPECT_EQ(entry.offset, 10u);
  EXPECT_EQ(entry.first, 11u);
  EXPECT_EQ(entry.last, 12u);
}

}  // namespace
}  // namespace reprise::archive
