#include "archive/archive_reader.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "archive/record_lookup.h"
#include "archive/stream.h"
#include "archive/verification.h"

namespace reprise::archive {
namespace {

template <typename Record>
struct TableOf;
template <>
struct TableOf<event::Exchange> {
  static constexpr TableKind kTable = TableKind::kExchanges;
  static constexpr RecordTag kTag = RecordTag::kExchange;
};
template <>
struct TableOf<event::Call> {
  static constexpr TableKind kTable = TableKind::kCalls;
  static constexpr RecordTag kTag = RecordTag::kCall;
};
template <>
struct TableOf<event::Connection> {
  static constexpr TableKind kTable = TableKind::kConnections;
  static constexpr RecordTag kTag = RecordTag::kConnection;
};

bool overlap(event::ByteRange range, std::uint64_t offset, std::uint64_t length) {
  return length != 0 && offset < range.end && offset + std::min(length, ~offset) > range.begin;
}

// I/O of the exchange's connection that carries bytes of its request or response.
bool carries(const event::Event& event, const event::Exchange& exchange) {
  if (const auto* read = std::get_if<event::BytesReceived>(&event.fact)) {
    return read->connection == exchange.connection &&
           overlap(exchange.request, read->offset, read->bytes.size());
  }
  if (const auto* intent = std::get_if<event::SendIntended>(&event.fact)) {
    return intent->connection == exchange.connection &&
           overlap(exchange.response, intent->offset, intent->bytes.size());
  }
  if (const auto* file = std::get_if<event::FileRangeSent>(&event.fact)) {
    return file->connection == exchange.connection &&
           overlap(exchange.response, file->offset, file->length);
  }
  if (const auto* sent = std::get_if<event::SendFinished>(&event.fact)) {
    return sent->connection == exchange.connection && sent->result > 0 &&
           overlap(exchange.response, sent->offset, static_cast<std::uint64_t>(sent->result));
  }
  return false;
}

}  // namespace

bool ArchiveReader::begin() {
  if (const auto ending = find_ending(store_)) {
    header_ = ending->header;
    trailer_ = ending->trailer;
    index_ = make_stored_index(store_, *ending);
    return true;
  }
  fall_back();
  return scanned_->next_block(0).has_value() || scanned_->block(0).has_value();
}

// Changes over from the stored index to one built from the blocks.
void ArchiveReader::fall_back() {
  auto scan = std::make_unique<ScannedIndex>(store_);
  scan->extend();
  if (scan->header()) header_ = *scan->header();
  if (scan->trailer()) trailer_ = scan->trailer();
  scanned_ = scan.get();
  index_ = std::move(scan);
}

// The answer of the index; asked again when the stored one proved wrong on the way.
template <typename Question>
auto ArchiveReader::ask(Question question) {
  auto answer = question(*index_);
  if (!index_->broken()) return answer;
  damage_.add(0, 0, "the index is damaged; the blocks were searched instead");
  fall_back();
  return question(*index_);
}

const RecordLookup& ArchiveReader::lookup(const Block& block) {
  if (block.lookup == nullptr) block.lookup = std::make_shared<RecordLookup>(block, damage_);
  return *block.lookup;
}

// Visits (record, its offset) for the records at `offsets`, which can be decoded.
template <typename Record, typename Visit>
bool ArchiveReader::each_record_at(const Block& block, std::span<const std::uint32_t> offsets,
                                   Visit visit) {
  RecordCursor cursor(block.payload);
  Record record;
  for (const std::uint32_t offset : offsets) {
    cursor.seek(offset);
    const auto raw = cursor.next();
    if (!raw || !decode_or_tell(block, *raw, record, damage_)) continue;
    if (!visit(record, offset)) return false;
  }
  return true;
}

template <typename Record>
std::optional<Record> ArchiveReader::fetch(const TableEntry& entry) {
  const auto place = index_->block(entry.block);
  if (!place) return std::nullopt;
  const auto block = store_.load(*place);
  if (!block) return std::nullopt;
  RecordCursor cursor(block->payload);
  cursor.seek(entry.offset);
  const auto raw = cursor.next();
  Record record;
  if (!raw || raw->tag != TableOf<Record>::kTag || !decode_or_tell(*block, *raw, record, damage_) ||
      record.id.value != entry.id) {
    return std::nullopt;
  }
  return record;
}

template <typename Record>
std::optional<Record> ArchiveReader::get(std::uint64_t id) {
  constexpr TableKind kTable = TableOf<Record>::kTable;
  for (;;) {
    const auto entry = ask([&](IndexSource& index) { return index.find(kTable, id); });
    if (!entry) return std::nullopt;
    if (auto record = fetch<Record>(*entry)) return record;
    if (scanned()) return std::nullopt;
    fall_back();
  }
}

template <typename Record>
void ArchiveReader::each(const std::function<bool(const Record&)>& visit) {
  constexpr TableKind kTable = TableOf<Record>::kTable;
  std::uint64_t id = 0;
  while (const auto entry = ask([&](IndexSource& index) { return index.next(kTable, id); })) {
    const auto record = fetch<Record>(*entry);
    if (!record && !scanned()) {
      fall_back();  // and ask for the same one again
      continue;
    }
    id = entry->id;
    if (record && !visit(*record)) return;
  }
}

template <typename Visit>
void ArchiveReader::each_block(BlockKind kind, std::uint64_t first, std::uint64_t last,
                               Visit visit) {
  std::uint64_t number = first == 0 ? 0 : first - 1;
  while (const auto entry = ask([&](IndexSource& index) { return index.next_block(number); })) {
    if (entry->number > last) return;
    if (entry->kind == kind) {
      const auto block = store_.load(*entry);
      if (!block && !scanned()) {
        fall_back();
        continue;
      }
      if (block && !visit(*block)) return;
    }
    number = entry->number;
  }
}

bool ArchiveReader::each_event_in(std::uint64_t first, std::uint64_t last,
                                  const std::function<bool(const event::Event&)>& visit) {
  event::Event event;
  bool more = true;
  each_block(BlockKind::kEvents, first, last, [&](const Block& block) {
    more = each_record(block, damage_, [&](const RawRecord& raw) {
      if (raw.tag != RecordTag::kEvent || !decode_or_tell(block, raw, event, damage_)) return true;
      return visit(event);
    });
    return more;
  });
  return more;
}

void ArchiveReader::read_journal(JournalVisitor& visitor) {
  journal::Note note;
  JournalRun run;
  JournalReference reference;
  JournalEarlier earlier;
  each_block(BlockKind::kJournal, 1, kMaxBlockNumber, [&](const Block& block) {
    each_record(block, damage_, [&](const RawRecord& raw) {
      if (raw.tag == RecordTag::kJournalRun && decode_or_tell(block, raw, run, damage_)) {
        visitor.on_run(run);
      } else if (raw.tag == RecordTag::kJournalReference &&
                 decode_or_tell(block, raw, reference, damage_)) {
        visitor.on_reference(reference);
      } else if (raw.tag == RecordTag::kJournalEarlier &&
                 decode_or_tell(block, raw, earlier, damage_)) {
        visitor.on_earlier(earlier);
      } else if (raw.tag == RecordTag::kJournalNote && decode_or_tell(block, raw, note, damage_)) {
        visitor.on_note(note);
      }
      return true;
    });
    visitor.on_page_end();
    return true;
  });
}

tl::expected<event::Exchange, Error> ArchiveReader::exchange(event::ExchangeId id) {
  if (auto found = get<event::Exchange>(id.value)) return *found;
  const std::uint64_t count = exchange_count();
  std::string message = file_->path() + " has no exchange " + std::to_string(id.value);
  if (count == 0) {
    message += "; it has none at all";
  } else {
    message += "; it has " + std::to_string(count) + (count == 1 ? " exchange" : " exchanges") +
               ", numbered from 1";
  }
  return tl::unexpected(Error{Error::Kind::kNoSuchExchange, message});
}

tl::expected<event::Connection, Error> ArchiveReader::connection(event::ConnectionId id) {
  if (auto found = get<event::Connection>(id.value)) return *found;
  return tl::unexpected(missing("connection " + std::to_string(id.value)));
}

tl::expected<std::vector<event::Call>, Error> ArchiveReader::calls(event::Context context) {
  std::vector<event::Call> calls;
  if (context.kind != event::Context::Kind::kExchange) {
    each_call([&](const event::Call& call) {
      if (call.context == context) calls.push_back(call);
      return true;
    });
    return calls;
  }
  const std::uint64_t id = context.exchange.value;
  const auto span =
      ask([&](IndexSource& index) { return index.find_span(TableKind::kExchanges, id); });
  if (!span) return tl::unexpected(exchange(context.exchange).error());
  each_block(BlockKind::kDerived, span->first, span->last, [&](const Block& block) {
    const auto offsets = lookup(block).of_calls(context.exchange);
    return each_record_at<event::Call>(
        block, offsets, [&](event::Call& call, std::uint32_t offset) {
          if (call.context != context) return true;
          // Earlier versions of the same call lie about as well.
          const auto last =
              ask([&](IndexSource& index) { return index.find(TableKind::kCalls, call.id.value); });
          if (last && last->block == block.header.number && last->offset == offset) {
            calls.push_back(std::move(call));
          }
          return true;
        });
  });
  std::sort(calls.begin(), calls.end(),
            [](const event::Call& a, const event::Call& b) { return a.id < b.id; });
  return calls;
}

// Blocks with events in the exchange's context, and those around them with I/O of its bytes: these
// may be in another context, as when one read brings several pipelined requests.
ArchiveReader::Span ArchiveReader::span_of(const event::Exchange& exchange) {
  const auto own = ask([&](IndexSource& index) {
    return index.find_span(TableKind::kExchanges, exchange.id.value);
  });
  const auto io = ask([&](IndexSource& index) {
    return index.find_span(TableKind::kConnections, exchange.connection.value);
  });
  if (!own) return {};
  Span span{own->first, own->last};
  if (!io) return span;
  // Neighbouring blocks may overlap in time, hence one more in front.
  std::uint64_t first = index_->number_reaching(exchange.first_byte_in.ticks);
  first = std::max<std::uint64_t>(first < 2 ? 1 : first - 1, io->first);
  span.first = std::min(span.first, first);
  const event::Stamp end = std::max({exchange.first_byte_in, exchange.last_byte_in,
                                     exchange.first_byte_out, exchange.last_byte_out});
  while (const auto next = index_->next_block(span.last)) {
    if (next->number > io->last || next->first_stamp > end.ticks) break;
    span.last = next->number;
  }
  return span;
}

void ArchiveReader::each_event_of(event::ExchangeId id,
                                  const std::function<bool(const event::Event&)>& visit) {
  const auto exchange = get<event::Exchange>(id.value);
  if (!exchange) return;
  const Span span = span_of(*exchange);
  const event::Context context = event::Context::of(id);
  each_event_in(span.first, span.last, [&](const event::Event& event) {
    if (event.context != context && !carries(event, *exchange)) return true;
    return visit(event);
  });
}

tl::expected<event::Bytes, Error> ArchiveReader::bytes(event::ConnectionId id, bool sent,
                                                       event::ByteRange range, event::Stamp near) {
  if (range.empty()) return event::Bytes{};
  const auto io =
      ask([&](IndexSource& index) { return index.find_span(TableKind::kConnections, id.value); });
  // A connection whose record was lost with its block may have bytes in any other.
  const std::uint64_t begin = io ? io->first : 1;
  const std::uint64_t last = io ? io->last : kMaxBlockNumber;
  const auto read_from = [&](std::uint64_t first) {
    StreamAssembler assembler(id, sent, range);
    each_block(BlockKind::kEvents, first, last, [&](const Block& block) {
      const auto offsets = lookup(block).of_bytes(id, sent, range);
      return each_record_at<event::Event>(block, offsets, [&](const event::Event& event, auto) {
        assembler.feed(event);
        return !assembler.complete();
      });
    });
    return assembler.take([this](std::uint64_t number) {
      auto stored = content(number);
      return stored ? std::optional(std::move(*stored)) : std::nullopt;
    });
  };
  std::uint64_t hinted = near.ticks == 0 ? 0 : index_->number_reaching(near.ticks);
  if (hinted > 0) --hinted;
  auto found = read_from(std::max(begin, hinted));
  if (!found && hinted > begin) found = read_from(begin);
  if (found) return *found;
  return tl::unexpected(missing("bytes " + std::to_string(found.error().begin) + " to " +
                                std::to_string(found.error().end) + " which the service " +
                                (sent ? "sent" : "received") + " on connection " +
                                std::to_string(id.value)));
}

tl::expected<event::Bytes, Error> ArchiveReader::content(std::uint64_t number) {
  const auto span =
      ask([&](IndexSource& index) { return index.find_span(TableKind::kContents, number); });
  if (!span) return tl::unexpected(missing("content " + std::to_string(number)));
  event::Bytes bytes;
  ContentChunk chunk;
  bool whole = false;
  each_block(BlockKind::kContent, span->first, span->last, [&](const Block& block) {
    return each_record(block, damage_, [&](const RawRecord& raw) {
      if (raw.tag != RecordTag::kContentChunk || !decode_or_tell(block, raw, chunk, damage_) ||
          chunk.number != number || chunk.offset != bytes.size()) {
        return true;
      }
      bytes.insert(bytes.end(), chunk.bytes.begin(), chunk.bytes.end());
      whole = bytes.size() == chunk.size;
      return !whole;
    });
  });
  if (!whole || content_hash(bytes) != Hash128{chunk.hash_low, chunk.hash_high}) {
    return tl::unexpected(missing("all of content " + std::to_string(number)));
  }
  return bytes;
}

Error ArchiveReader::missing(const std::string& what) const {
  return {Error::Kind::kDamaged, file_->path() + " does not hold " + what +
                                     "; a gap in the recording or damage (see `reprise verify`)"};
}

void ArchiveReader::verify() { verify_blocks(store_, trailer_.has_value()); }

}  // namespace reprise::archive
