#include "archive/record_lookup.h"

#include <algorithm>
#include <variant>

#include "archive/index_source.h"

namespace reprise::archive {

RecordLookup::RecordLookup(const Block& block, DamageList& damage) {
  event::Event event;
  event::Call call;
  each_record(block, damage, [&](const RawRecord& raw) {
    if (raw.tag == RecordTag::kEvent && decode_or_tell(block, raw, event, damage)) {
      note(event, raw.offset);
    } else if (raw.tag == RecordTag::kCall && decode_or_tell(block, raw, call, damage)) {
      calls_[call.context.exchange.value].push_back(raw.offset);
    }
    return true;
  });
  sends_.clear();
}

void RecordLookup::note(const event::Event& event, std::uint32_t offset) {
  if (const auto* read = std::get_if<event::BytesReceived>(&event.fact)) {
    if (read->bytes.empty()) return;
    const std::uint64_t length = std::min<std::uint64_t>(read->bytes.size(), ~read->offset);
    bytes_[read->connection.value].push_back({offset, false, read->offset, read->offset + length});
  } else if (const auto* intent = std::get_if<event::SendIntended>(&event.fact)) {
    note_part(intent->connection, intent->offset, intent->bytes.size(), intent->continues, offset);
  } else if (const auto* file = std::get_if<event::FileRangeSent>(&event.fact)) {
    note_part(file->connection, file->offset, file->length, false, offset);
  } else if (const auto* result = std::get_if<event::SendFinished>(&event.fact)) {
    note_result(*result, offset);
  }
}

// Every part of a send gets the extent of the whole, which its last part tells.
void RecordLookup::note_part(event::ConnectionId connection, std::uint64_t begin,
                             std::uint64_t length, bool continues, std::uint32_t offset) {
  std::vector<Entry>& entries = bytes_[connection.value];
  Sends& sends = sends_[connection.value];
  sends.parts.push_back(entries.size());
  entries.push_back({offset, true, begin, kOpen});
  if (continues) return;
  const std::uint64_t first = entries[sends.parts.front()].begin;
  const std::uint64_t end = begin + std::min(length, ~begin);
  for (const std::size_t part : sends.parts) {
    entries[part].begin = first;
    entries[part].end = end;
  }
  sends.parts.clear();
  sends.end[first] = end;
}

void RecordLookup::note_result(const event::SendFinished& result, std::uint32_t offset) {
  Sends& sends = sends_[result.connection.value];
  sends.parts.clear();  // it ends a send, be it announced to its end or not
  const auto send = sends.end.find(result.offset);
  const std::uint64_t end = send == sends.end.end() ? kOpen : send->second;
  if (send != sends.end.end()) sends.end.erase(send);
  bytes_[result.connection.value].push_back({offset, true, result.offset, end});
}

std::vector<std::uint32_t> RecordLookup::of_bytes(event::ConnectionId connection, bool sent,
                                                  event::ByteRange range) const {
  std::vector<std::uint32_t> offsets;
  const auto entries = bytes_.find(connection.value);
  if (entries == bytes_.end()) return offsets;
  for (const Entry& entry : entries->second) {
    if (entry.sent == sent && entry.begin < range.end && entry.end > range.begin) {
      offsets.push_back(entry.offset);
    }
  }
  return offsets;
}

std::vector<std::uint32_t> RecordLookup::of_calls(event::ExchangeId exchange) const {
  const auto offsets = calls_.find(exchange.value);
  return offsets == calls_.end() ? std::vector<std::uint32_t>{} : offsets->second;
}

}  // namespace reprise::archive
