#include "archive/record.h"

#include <type_traits>

#include "archive/block.h"
#include "archive/event_serialization.h"
#include "archive/little_endian.h"
#include "archive/record_archive.h"

namespace reprise::archive {
namespace {

constexpr std::size_t kFixedReferenceBytes = 20;  // slot, position, content

template <typename T>
void encode_record(RecordTag tag, const T& value, std::uint64_t base, ByteBuffer& payload) {
  const std::size_t begin = payload.size();
  payload.reserve(kRecordHeadBytes);
  payload.commit(kRecordHeadBytes);
  OutputArchive archive(payload, base, kMinorVersion);
  archive << value;
  archive.finish();
  payload.data()[begin + 4] = static_cast<std::uint8_t>(tag);
  end_record(begin, payload);
}

std::string unknown_kind(std::uint64_t kind, Coding coding) {
  return "a value of kind " + std::to_string(kind) + " that this version does not know (format " +
         std::to_string(kMajorVersion) + "." + std::to_string(coding.minor) + ")";
}

template <typename T>
Decoded decode_record(const RawRecord& record, Coding coding, T& out) {
  // Fields that the writer's version did not have must not keep another record's values. Events
  // spare themselves that: their facts are made anew, and all else in them is always there.
  if constexpr (!std::is_same_v<T, event::Event>) out = T();
  try {
    InputArchive archive(record.body, coding.base, coding.minor);
    archive >> out;
    // Bytes behind the fields known here are those of a newer minor version.
    if (archive.remaining() != 0 && coding.minor <= kMinorVersion) {
      return tl::unexpected(std::string("a record is longer than its fields"));
    }
    return {};
  } catch (const Malformed& malformed) {
    return tl::unexpected(std::string(malformed.what));
  } catch (const UnknownKind& unknown) {
    return tl::unexpected(unknown_kind(unknown.kind, coding));
  }
}

// Of entries that are bytes of a thread's stream whose end is a content.
template <typename Reference>
void encode_reference(RecordTag tag, const Reference& value, ByteBuffer& payload) {
  constexpr std::size_t kBytes = kRecordHeadBytes + kFixedReferenceBytes;
  const std::size_t begin = payload.size();
  std::uint8_t* const fixed = payload.reserve(kBytes);
  fixed[4] = static_cast<std::uint8_t>(tag);
  store_le(fixed + kRecordHeadBytes, value.slot);
  store_le(fixed + kRecordHeadBytes + 4, value.position);
  store_le(fixed + kRecordHeadBytes + 12, value.content);
  payload.commit(kBytes);
  payload.append(value.head.data(), value.head.size());
  end_record(begin, payload);
}

template <typename Reference>
Decoded decode_reference(const RawRecord& record, Reference& out) {
  if (record.body.size() < kFixedReferenceBytes) {
    return tl::unexpected(std::string("a reference to a content is shorter than its head"));
  }
  out.slot = load_le<std::uint32_t>(record.body.data());
  out.position = load_le<std::uint64_t>(record.body.data() + 4);
  out.content = load_le<std::uint64_t>(record.body.data() + 12);
  out.head = record.body.subspan(kFixedReferenceBytes);
  return {};
}

}  // namespace

void encode(const Header& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kHeader, value, base, payload);
}
void encode(const event::Event& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kEvent, value, base, payload);
}
void encode(const event::Connection& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kConnection, value, base, payload);
}
void encode(const event::Exchange& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kExchange, value, base, payload);
}
void encode(const event::Call& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kCall, value, base, payload);
}
void encode(const ContentChunk& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kContentChunk, value, base, payload);
}
void encode(const Trailer& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kTrailer, value, base, payload);
}
void encode(const TableRoots& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kTableRoots, value, base, payload);
}

void encode(const journal::Note& value, std::uint64_t base, ByteBuffer& payload) {
  encode_record(RecordTag::kJournalNote, value, base, payload);
}

void begin_run(std::uint32_t slot, std::uint64_t position, ByteBuffer& payload) {
  std::uint8_t* const head = payload.reserve(kRecordHeadBytes + kRunHeadBytes);
  head[4] = static_cast<std::uint8_t>(RecordTag::kJournalRun);
  store_le(head + kRecordHeadBytes, slot);
  store_le(head + kRecordHeadBytes + 4, position);
  payload.commit(kRecordHeadBytes + kRunHeadBytes);
}

void encode(const JournalReference& value, ByteBuffer& payload) {
  encode_reference(RecordTag::kJournalReference, value, payload);
}
void encode(const JournalEarlier& value, ByteBuffer& payload) {
  encode_reference(RecordTag::kJournalEarlier, value, payload);
}

// The length is known only now; four bytes are kept for it, and zstd takes the zeros out again.
void end_record(std::size_t begin, ByteBuffer& payload) {
  const std::size_t length = payload.size() - begin - kRecordHeadBytes;
  store_le(payload.data() + begin, static_cast<std::uint32_t>(length));
}

RecordCursor::RecordCursor(std::span<const std::uint8_t> payload) : payload_(payload) {
  if (payload.size() < kPayloadBaseBytes) {
    malformed_ = !payload.empty();
    at_ = payload.size();
    return;
  }
  base_ = load_le<std::uint64_t>(payload.data());
  at_ = kPayloadBaseBytes;
}

std::optional<RawRecord> RecordCursor::next() {
  if (malformed_ || at_ == payload_.size()) return std::nullopt;
  if (at_ > payload_.size() || payload_.size() - at_ < kRecordHeadBytes) {
    malformed_ = true;
    return std::nullopt;
  }
  const std::uint32_t length = load_le<std::uint32_t>(payload_.data() + at_);
  if (length > payload_.size() - at_ - kRecordHeadBytes) {
    malformed_ = true;
    return std::nullopt;
  }
  RawRecord record;
  record.tag = static_cast<RecordTag>(payload_[at_ + 4]);
  record.offset = static_cast<std::uint32_t>(at_);
  record.body = payload_.subspan(at_ + kRecordHeadBytes, length);
  at_ += kRecordHeadBytes + length;
  return record;
}

Decoded decode(const RawRecord& record, Coding coding, Header& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, event::Event& out) {
  Decoded decoded = decode_record(record, coding, out);
  if (decoded || coding.minor <= kMinorVersion) return decoded;
  // Who and when precede the fact and are kept; what happened is lost, and must be seen to be.
  out.fact = event::Gap{1, record.body.size(), decoded.error()};
  return {};
}
Decoded decode(const RawRecord& record, Coding coding, event::Connection& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, event::Exchange& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, event::Call& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, ContentChunk& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, Trailer& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, TableRoots& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding coding, journal::Note& out) {
  return decode_record(record, coding, out);
}
Decoded decode(const RawRecord& record, Coding, JournalRun& out) {
  if (record.body.size() < kRunHeadBytes) {
    return tl::unexpected(std::string("a run of records is shorter than its head"));
  }
  out.slot = load_le<std::uint32_t>(record.body.data());
  out.position = load_le<std::uint64_t>(record.body.data() + 4);
  out.records = record.body.subspan(kRunHeadBytes);
  return {};
}
Decoded decode(const RawRecord& record, Coding, JournalReference& out) {
  return decode_reference(record, out);
}
Decoded decode(const RawRecord& record, Coding, JournalEarlier& out) {
  return decode_reference(record, out);
}

}  // namespace reprise::archive
