#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "archive/index_source.h"
#include "archive/little_endian.h"

namespace reprise::archive {
namespace {

constexpr std::size_t kEndBlockBytes = kBlockHeaderBytes + 8;

// One stored table: entries of `entry_bytes` each, the first eight of which are its key.
class StoredTable {
 public:
  StoredTable(BlockStore& store, std::uint32_t recording, TableKind kind, TableRoot root,
              std::size_t entry_bytes)
      : store_(store), recording_(recording), kind_(kind), root_(root), entry_bytes_(entry_bytes) {}

  std::uint64_t size() const { return root_.entries; }
  bool broken() const { return broken_; }

  // Bytes of the entry at `place`, null when its page is damaged or `place` past the end. Valid
  // until the next call.
  const std::uint8_t* at(std::uint64_t place) {
    if (place >= root_.entries) return nullptr;
    const std::uint64_t page = place / kEntriesPerPage;
    if (page != page_ || !block_) load(page);
    if (!block_) return nullptr;
    return block_->payload.data() + kPageHeadBytes + (place % kEntriesPerPage) * entry_bytes_;
  }

  // Place of the first entry whose key is not less than `key`.
  std::uint64_t lower_bound(std::uint64_t key) {
    return first_place(key,
                       [](const std::uint8_t* entry) { return load_le<std::uint64_t>(entry); });
  }

  // Place of the first entry with field(entry) >= key, if fields ascend.
  template <typename Field>
  std::uint64_t first_place(std::uint64_t key, Field field) {
    std::uint64_t low = 0, high = root_.entries;
    // Ids are dense as a rule, and iterations ask for the next one: try there first.
    for (const std::uint64_t guess : {last_place_ + 1, key - 1, key}) {
      if (guess == 0 || guess >= high) continue;
      const std::uint8_t* before = at(guess - 1);
      if (before == nullptr || field(before) >= key) continue;
      const std::uint8_t* entry = at(guess);
      if (entry != nullptr && field(entry) >= key) return last_place_ = guess;
    }
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      const std::uint8_t* entry = at(middle);
      if (entry == nullptr) return root_.entries;
      if (field(entry) < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return last_place_ = low;
  }

  void set_broken() { broken_ = true; }

 private:
  void load(std::uint64_t page) {
    const std::uint64_t full = kBlockHeaderBytes + kPageHeadBytes + kEntriesPerPage * entry_bytes_;
    block_ = store_.load_at(root_.offset + page * full, recording_);
    page_ = page;
    const std::uint64_t first = page * kEntriesPerPage;
    const std::uint64_t entries = std::min<std::uint64_t>(kEntriesPerPage, root_.entries - first);
    if (block_ && block_->header.kind == BlockKind::kTable &&
        block_->payload.size() == kPageHeadBytes + entries * entry_bytes_ &&
        load_le<std::uint64_t>(block_->payload.data()) == static_cast<std::uint64_t>(kind_) &&
        load_le<std::uint64_t>(block_->payload.data() + 8) == first) {
      return;
    }
    block_ = nullptr;
    broken_ = true;
  }

  BlockStore& store_;
  std::uint32_t recording_;
  TableKind kind_;
  TableRoot root_;
  std::size_t entry_bytes_;
  std::shared_ptr<const Block> block_;
  std::uint64_t page_ = 0;
  std::uint64_t last_place_ = 0;
  bool broken_ = false;
};

class StoredIndex final : public IndexSource {
 public:
  StoredIndex(BlockStore& store, const Ending& ending)
      : tables_{StoredTable(store, ending.recording, TableKind::kBlocks, ending.roots.blocks,
                            kBlockEntryBytes),
                StoredTable(store, ending.recording, TableKind::kExchanges, ending.roots.exchanges,
                            kTableEntryBytes),
                StoredTable(store, ending.recording, TableKind::kCalls, ending.roots.calls,
                            kTableEntryBytes),
                StoredTable(store, ending.recording, TableKind::kConnections,
                            ending.roots.connections, kTableEntryBytes),
                StoredTable(store, ending.recording, TableKind::kContents, ending.roots.contents,
                            kTableEntryBytes)} {}

  std::optional<BlockEntry> next_block(std::uint64_t number) override {
    if (number == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    const std::uint8_t* at = blocks().at(blocks().lower_bound(number + 1));
    if (at == nullptr) return std::nullopt;
    const BlockEntry entry = load_block_entry(at);
    if (entry.number <= number || entry.number > kMaxBlockNumber) {
      blocks().set_broken();
      return std::nullopt;
    }
    return entry;
  }

  std::optional<BlockEntry> block(std::uint64_t number) override {
    const std::uint8_t* at = blocks().at(blocks().lower_bound(number));
    if (at == nullptr) return std::nullopt;
    const BlockEntry entry = load_block_entry(at);
    if (entry.number != number) return std::nullopt;
    return entry;
  }

  std::uint64_t number_reaching(std::uint64_t stamp) override {
    const auto last_stamp = [](const std::uint8_t* at) { return load_block_entry(at).last_stamp; };
    if (blocks().size() == 0) return 0;
    const std::uint64_t place = blocks().first_place(stamp, last_stamp);
    const std::uint8_t* at = blocks().at(std::min(place, blocks().size() - 1));
    return at == nullptr ? 0 : load_block_entry(at).number;
  }

  std::optional<TableEntry> find(TableKind table, std::uint64_t id) override {
    StoredTable& entries = tables_[static_cast<std::size_t>(table)];
    const std::uint8_t* at = entries.at(entries.lower_bound(id));
    if (at == nullptr) return std::nullopt;
    const TableEntry entry = load_table_entry(at);
    if (entry.id != id) return std::nullopt;
    return entry;
  }

  std::optional<TableEntry> find_span(TableKind table, std::uint64_t id) override {
    return find(table, id);
  }

  std::optional<TableEntry> next(TableKind table, std::uint64_t id) override {
    if (id == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    StoredTable& entries = tables_[static_cast<std::size_t>(table)];
    const std::uint8_t* at = entries.at(entries.lower_bound(id + 1));
    if (at == nullptr) return std::nullopt;
    const TableEntry entry = load_table_entry(at);
    if (entry.id <= id) {
      entries.set_broken();
      return std::nullopt;
    }
    return entry;
  }

  std::uint64_t count(TableKind table) override {
    return tables_[static_cast<std::size_t>(table)].size();
  }

  bool broken() const override {
    return std::any_of(tables_.begin(), tables_.end(),
                       [](const StoredTable& table) { return table.broken(); });
  }

 private:
  StoredTable& blocks() { return tables_[static_cast<std::size_t>(TableKind::kBlocks)]; }

  std::array<StoredTable, 5> tables_;  // by TableKind
};

// All pages of the table lie inside the file.
bool fits(TableRoot root, std::size_t entry_bytes, std::uint64_t file_bytes) {
  if (root.offset > file_bytes) return false;
  return root.entries <= (file_bytes - root.offset) / entry_bytes;
}

}  // namespace

std::optional<Ending> read_ending(const Block& block, BlockStore& store) {
  Ending ending;
  ending.recording = block.header.recording;
  ending.minor = block.header.minor;
  unsigned found = 0;
  each_record(block, store.damage(), [&](const RawRecord& raw) {
    bool read = false;
    if (raw.tag == RecordTag::kHeader) {
      read = decode_or_tell(block, raw, ending.header, store.damage());
    } else if (raw.tag == RecordTag::kTrailer) {
      read = decode_or_tell(block, raw, ending.trailer, store.damage());
    } else if (raw.tag == RecordTag::kTableRoots) {
      read = decode_or_tell(block, raw, ending.roots, store.damage());
    }
    found += read ? 1 : 0;
    return true;
  });
  if (found != 3) return std::nullopt;
  return ending;
}

std::optional<Ending> find_ending(BlockStore& store) {
  const std::uint64_t size = store.file().size();
  if (size < kEndBlockBytes) return std::nullopt;
  const auto header = read_block_header(store.file(), size - kEndBlockBytes);
  if (!header || !is_known_major(header->major) || header->kind != BlockKind::kEnd) {
    return std::nullopt;
  }
  const auto end = store.load_at(size - kEndBlockBytes, header->recording);
  if (!end || end->payload.size() != 8) return std::nullopt;
  const std::uint64_t offset = load_le<std::uint64_t>(end->payload.data());
  if (offset >= size - kEndBlockBytes) return std::nullopt;
  const auto block = store.load_at(offset, header->recording);
  if (!block || block->header.kind != BlockKind::kTrailer) return std::nullopt;
  auto ending = read_ending(*block, store);
  if (!ending) return std::nullopt;
  const TableRoots& roots = ending->roots;
  for (const TableRoot& root : {roots.exchanges, roots.calls, roots.connections, roots.contents}) {
    if (!fits(root, kTableEntryBytes, size)) return std::nullopt;
  }
  if (!fits(roots.blocks, kBlockEntryBytes, size)) return std::nullopt;
  return ending;
}

std::unique_ptr<IndexSource> make_stored_index(BlockStore& store, const Ending& ending) {
  return std::make_unique<StoredIndex>(store, ending);
}

}  // namespace reprise::archive
