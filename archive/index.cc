#include "archive/index.h"

#include <algorithm>
#include <tuple>
#include <variant>

#include "archive/little_endian.h"

namespace reprise::archive {
namespace {

void sort_unique(std::vector<std::uint64_t>& ids) {
  if (!std::is_sorted(ids.begin(), ids.end())) std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// Runs of the same id are the rule: a thread works for one context and reads one connection at a
// time.
void push_unless_last(std::vector<std::uint64_t>& ids, std::uint64_t id) {
  if (ids.empty() || ids.back() != id) ids.push_back(id);
}

}  // namespace

void BlockNotes::note(const event::Event& event) {
  if (first_stamp_ == 0 || event.enter.ticks < first_stamp_) first_stamp_ = event.enter.ticks;
  last_stamp_ = std::max({last_stamp_, event.enter.ticks, event.exit.ticks});
  if (event.context.kind == event::Context::Kind::kExchange) {
    push_unless_last(exchanges_, event.context.exchange.value);
  }
  if (const auto* read = std::get_if<event::BytesReceived>(&event.fact)) {
    touch_connection(read->connection);
  } else if (const auto* intent = std::get_if<event::SendIntended>(&event.fact)) {
    touch_connection(intent->connection);
  } else if (const auto* sent = std::get_if<event::SendFinished>(&event.fact)) {
    touch_connection(sent->connection);
  } else if (const auto* file = std::get_if<event::FileRangeSent>(&event.fact)) {
    touch_connection(file->connection);
  }
}

void BlockNotes::touch_connection(event::ConnectionId connection) {
  push_unless_last(connections_, connection.value);
}

void BlockNotes::note(const event::Connection& connection, std::uint32_t offset) {
  located_.push_back({TableKind::kConnections, connection.id.value, offset});
}

void BlockNotes::note(const event::Exchange& exchange, std::uint32_t offset) {
  located_.push_back({TableKind::kExchanges, exchange.id.value, offset});
  push_unless_last(exchanges_, exchange.id.value);
}

void BlockNotes::note(const event::Call& call, std::uint32_t offset) {
  located_.push_back({TableKind::kCalls, call.id.value, offset});
  if (call.context.kind == event::Context::Kind::kExchange) {
    push_unless_last(exchanges_, call.context.exchange.value);
  }
}

void BlockNotes::note(const ContentChunk& chunk, std::uint32_t offset) {
  located_.push_back({TableKind::kContents, chunk.number, offset});
}

void BlockNotes::clear() {
  exchanges_.clear();
  connections_.clear();
  located_.clear();
  first_stamp_ = last_stamp_ = 0;
}

const std::vector<std::uint64_t>& BlockNotes::exchanges() {
  sort_unique(exchanges_);
  return exchanges_;
}

const std::vector<std::uint64_t>& BlockNotes::connections() {
  sort_unique(connections_);
  return connections_;
}

// --- Table -------------------------------------------------------------------------------------

void Table::locate(std::uint64_t id, BlockNumber block, std::uint32_t offset) {
  add({id, block, offset, block, block});
}

void Table::touch(std::uint64_t id, BlockNumber block) { add({id, 0, 0, block, block}); }

void Table::combine(TableEntry& entry, const TableEntry& other) {
  if (std::tie(other.block, other.offset) > std::tie(entry.block, entry.offset)) {
    entry.block = other.block;
    entry.offset = other.offset;
  }
  entry.first = std::min(entry.first, other.first);
  entry.last = std::max(entry.last, other.last);
}

bool Table::add_in_place(const TableEntry& entry) {
  if (merged_ != entries_.size()) return false;
  if (entries_.empty() || entries_.back().id < entry.id) {
    entries_.push_back(entry);
    ++merged_;
    return true;
  }
  const std::uint64_t behind = entries_.back().id - entry.id;
  if (behind >= entries_.size()) return false;
  TableEntry& known = entries_[entries_.size() - 1 - static_cast<std::size_t>(behind)];
  if (known.id != entry.id) return false;
  combine(known, entry);
  return true;
}

void Table::add(const TableEntry& entry) {
  if (add_in_place(entry)) return;
  // Growing geometrically before each merge keeps the cost per addition logarithmic.
  if (entries_.size() - merged_ > merged_ + 4096) merge();
  entries_.push_back(entry);
}

void Table::merge() {
  if (merged_ == entries_.size()) return;
  const auto by_id = [](const TableEntry& a, const TableEntry& b) { return a.id < b.id; };
  const auto middle = entries_.begin() + static_cast<std::ptrdiff_t>(merged_);
  std::sort(middle, entries_.end(), by_id);
  std::inplace_merge(entries_.begin(), middle, entries_.end(), by_id);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < entries_.size(); ++i) {
    const TableEntry& next = entries_[i];
    TableEntry& last = entries_[kept];
    if (next.id != last.id) {
      entries_[++kept] = next;
      continue;
    }
    combine(last, next);
  }
  entries_.resize(kept + 1);
  merged_ = entries_.size();
}

const TableEntry* Table::find(std::uint64_t id) {
  merge();
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), id,
                                   [](const TableEntry& e, std::uint64_t v) { return e.id < v; });
  return at != entries_.end() && at->id == id ? &*at : nullptr;
}

const TableEntry* Table::next_located(std::uint64_t id) {
  merge();
  auto at = std::upper_bound(entries_.begin(), entries_.end(), id,
                             [](std::uint64_t v, const TableEntry& e) { return v < e.id; });
  while (at != entries_.end() && at->block == 0) ++at;
  return at != entries_.end() ? &*at : nullptr;
}

const std::vector<TableEntry>& Table::entries() {
  merge();
  return entries_;
}

std::uint64_t Table::located() {
  merge();
  return static_cast<std::uint64_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const TableEntry& entry) { return entry.block != 0; }));
}

// --- Index -------------------------------------------------------------------------------------

Table& Index::table(TableKind kind) {
  switch (kind) {
    case TableKind::kCalls:
      return calls;
    case TableKind::kConnections:
      return connections;
    case TableKind::kContents:
      return contents;
    default:
      return exchanges;
  }
}

void Index::add(BlockNotes& notes, BlockNumber number) {
  for (const std::uint64_t id : notes.exchanges()) exchanges.touch(id, number);
  for (const std::uint64_t id : notes.connections()) connections.touch(id, number);
  for (const BlockNotes::Located& located : notes.located()) {
    table(located.table).locate(located.id, number, located.offset);
  }
}

// --- Pages ---------------------------------------------------------------------------------------

void begin_page(TableKind table, std::uint64_t first, ByteBuffer& page) {
  page.clear();
  std::uint8_t* at = page.reserve(kPageHeadBytes);
  store_le(at, static_cast<std::uint64_t>(table));
  store_le(at + 8, first);
  page.commit(kPageHeadBytes);
}

void append_entry(const BlockEntry& entry, ByteBuffer& page) {
  std::uint8_t* at = page.reserve(kBlockEntryBytes);
  store_le(at, entry.number);
  store_le(at + 8, entry.offset);
  store_le(at + 16, entry.stored_bytes);
  store_le(at + 20, entry.raw_bytes);
  store_le(at + 24, entry.records);
  store_le(at + 28, static_cast<std::uint32_t>(entry.kind));
  store_le(at + 32, entry.first_stamp);
  store_le(at + 40, entry.last_stamp);
  page.commit(kBlockEntryBytes);
}

void append_entry(const TableEntry& entry, ByteBuffer& page) {
  std::uint8_t* at = page.reserve(kTableEntryBytes);
  store_le(at, entry.id);
  store_le(at + 8, entry.block);
  store_le(at + 12, entry.offset);
  store_le(at + 16, entry.first);
  store_le(at + 20, entry.last);
  page.commit(kTableEntryBytes);
}

BlockEntry load_block_entry(const std::uint8_t* at) {
  BlockEntry entry;
  entry.number = load_le<std::uint64_t>(at);
  entry.offset = load_le<std::uint64_t>(at + 8);
  entry.stored_bytes = load_le<std::uint32_t>(at + 16);
  entry.raw_bytes = load_le<std::uint32_t>(at + 20);
  entry.records = load_le<std::uint32_t>(at + 24);
  entry.kind = static_cast<BlockKind>(at[28]);
  entry.first_stamp = load_le<std::uint64_t>(at + 32);
  entry.last_stamp = load_le<std::uint64_t>(at + 40);
  return entry;
}

TableEntry load_table_entry(const std::uint8_t* at) {
  TableEntry entry;
  entry.id = load_le<std::uint64_t>(at);
  entry.block = load_le<std::uint32_t>(at + 8);
  entry.offset = load_le<std::uint32_t>(at + 12);
  entry.first = load_le<std::uint32_t>(at + 16);
  entry.last = load_le<std::uint32_t>(at + 20);
  return entry;
}

}  // namespace reprise::archive
