#include <algorithm>
#include <utility>
#include <variant>

#include "archive/index_source.h"

namespace reprise::archive {

void ScannedIndex::extend() {
  bool more = false;
  while (const auto found = scan_.next()) {
    take(*found);
    more = true;
  }
  if (!more) return;
  sort_in_late();
  tell_of_missing();
}

// Blocks that were moved or doubled take their places by number. Of two of one number the first
// whole one counts.
void ScannedIndex::sort_in_late() {
  if (late_.empty()) return;
  const auto by_number = [](const BlockEntry& a, const BlockEntry& b) {
    return a.number < b.number;
  };
  std::vector<BlockEntry> blocks = std::exchange(index_.blocks, {});
  blocks.insert(blocks.end(), late_.begin(), late_.end());
  late_.clear();
  std::stable_sort(blocks.begin(), blocks.end(), by_number);
  for (const BlockEntry& entry : blocks) {
    if (index_.blocks.empty() || index_.blocks.back().number != entry.number) {
      index_.blocks.push_back(entry);
      continue;
    }
    store_.damage().add(entry.offset, entry.end() - entry.offset,
                        "block " + std::to_string(entry.number) + " is here another time");
    if (!store_.load(index_.blocks.back())) index_.blocks.back() = entry;
  }
}

void ScannedIndex::tell_of_missing() {
  for (auto entry = std::lower_bound(
           index_.blocks.begin(), index_.blocks.end(), checked_to_,
           [](const BlockEntry&e, std::uint64_t number) { return e.number < number; });
       entry != index_.blocks.end(); ++entry) {
    if (entry->number > checked_to_) {
      store_.damage().add(entry->offset, 0,
                          "of the blocks before number " + std::to_string(entry->number) + " " +
                              std::to_string(entry->number - checked_to_) + " are missing");
    }
    checked_to_ = entry->number + 1;
  }
}

void ScannedIndex::take(const FoundBlock& found) {
  recording_ = found.header.recording;
  const BlockEntry entry = found.entry();
  const bool late = !index_.blocks.empty() && entry.number <= index_.blocks.back().number;
  (late ? late_ : index_.blocks).push_back(entry);
  switch (entry.kind) {
    case BlockKind::kEvents:
    case BlockKind::kContent:
      unspanned_.push_back(entry);
      break;
    case BlockKind::kDerived:
      if (const auto block = store_.load(entry)) note_derived(*block);
      break;
    case BlockKind::kHeader:
      if (const auto block = store_.load(entry)) {
        each_record(*block, store_.damage(), [&](const RawRecord& raw) {
          Header header;
          if (raw.tag == RecordTag::kHeader &&
              decode_or_tell(*block, raw, header, store_.damage())) {
            header_ = header;
          }
          return true;
        });
      }
      break;
    case BlockKind::kTrailer:
      if (const auto block = store_.load(entry)) {
        if (const auto ending = read_ending(*block, store_)) {
          trailer_ = ending->trailer;
          if (!header_) header_ = ending->header;
        }
      }
      break;
    default:
      break;
  }
}

void ScannedIndex::note_derived(const Block& block) {
  BlockNotes notes;
  event::Connection connection;
  event::Exchange exchange;
  event::Call call;
  each_record(block, store_.damage(), [&](const RawRecord& raw) {
    if (raw.tag == RecordTag::kConnection) {
      if (decode_or_tell(block, raw, connection, store_.damage())) {
        notes.note(connection, raw.offset);
      }
    } else if (raw.tag == RecordTag::kExchange) {
      if (decode_or_tell(block, raw, exchange, store_.damage())) notes.note(exchange, raw.offset);
    } else if (raw.tag == RecordTag::kCall) {
      if (decode_or_tell(block, raw, call, store_.damage())) notes.note(call, raw.offset);
    }
    return true;
  });
  index_.add(notes, static_cast<BlockNumber>(block.header.number));
}

void ScannedIndex::extend_spans() {
  extend();
  for (const BlockEntry& entry : std::exchange(unspanned_, {})) {
    const auto block = store_.load(entry);
    if (!block) continue;
    if (entry.kind == BlockKind::kEvents) {
      note_events(*block);
    } else {
      note_contents(*block);
    }
  }
}

void ScannedIndex::note_events(const Block& block) {
  BlockNotes notes;
  event::Event event;
  each_record(block, store_.damage(), [&](const RawRecord& raw) {
    if (raw.tag != RecordTag::kEvent) return true;
    if (!decode_or_tell(block, raw, event, store_.damage())) return true;
    notes.note(event);
    ++events_;
    if (const auto* gap = std::get_if<event::Gap>(&event.fact)) {
      ++gaps_;
      dropped_ += gap->records;
    }
    return true;
  });
  index_.add(notes, static_cast<BlockNumber>(block.header.number));
}

void ScannedIndex::note_contents(const Block& block) {
  BlockNotes notes;
  ContentChunk chunk;
  each_record(block, store_.damage(), [&](const RawRecord& raw) {
    if (raw.tag == RecordTag::kContentChunk && decode_or_tell(block, raw, chunk, store_.damage())) {
      notes.note(chunk, raw.offset);
    }
    return true;
  });
  index_.add(notes, static_cast<BlockNumber>(block.header.number));
}

std::optional<BlockEntry> ScannedIndex::next_block(std::uint64_t number) {
  const auto& blocks = index_.blocks;
  const auto find = [&] {
    return std::upper_bound(blocks.begin(), blocks.end(), number,
                            [](std::uint64_t n, const BlockEntry& e) { return n < e.number; });
  };
  auto at = find();
  if (at == blocks.end()) {
    extend();  // the file may have grown
    at = find();
  }
  if (at == blocks.end()) return std::nullopt;
  return *at;
}

std::optional<BlockEntry> ScannedIndex::block(std::uint64_t number) {
  const auto& blocks = index_.blocks;
  const auto at =
      std::lower_bound(blocks.begin(), blocks.end(), number,
                       [](const BlockEntry& e, std::uint64_t n) { return e.number < n; });
  if (at == blocks.end() || at->number != number) return std::nullopt;
  return *at;
}

std::uint64_t ScannedIndex::number_reaching(std::uint64_t stamp) {
  const auto& blocks = index_.blocks;
  const auto at =
      std::lower_bound(blocks.begin(), blocks.end(), stamp,
                       [](const BlockEntry& e, std::uint64_t s) { return e.last_stamp < s; });
  return at == blocks.end() ? (blocks.empty() ? 0 : blocks.back().number) : at->number;
}

std::optional<TableEntry> ScannedIndex::find(TableKind table, std::uint64_t id) {
  extend();
  const TableEntry* entry = index_.table(table).find(id);
  if (entry == nullptr || entry->block == 0) return std::nullopt;
  return *entry;
}

std::optional<TableEntry> ScannedIndex::find_span(TableKind table, std::uint64_t id) {
  extend_spans();
  return find(table, id);
}

std::optional<TableEntry> ScannedIndex::next(TableKind table, std::uint64_t id) {
  const TableEntry* entry = index_.table(table).next_located(id);
  if (entry == nullptr) {
    extend();
    entry = index_.table(table).next_located(id);
  }
  if (entry == nullptr) return std::nullopt;
  return *entry;
}

std::uint64_t ScannedIndex::count(TableKind table) { return index_.table(table).located(); }

}  // namespace reprise::archive
