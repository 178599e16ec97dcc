// Records: what the payload of a block is made of, and their coding.
//
//   payload  := base stamp (8 bytes) record*
//   record   := length (4 bytes) tag (1 byte) body (length bytes)
//
// All integers of fixed width are little-endian. `length` lets a reader step over records and
// trailing fields it does not know. Stamps in bodies are coded as distances from the payload's
// base, which makes them short and yet lets each record be decoded alone.
//
// Everything that includes Boost.Serialization is behind this header.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "archive/byte_buffer.h"
#include "archive/format.h"
#include "archive/journal.h"
#include "event/exchange.h"

namespace reprise::archive {

enum class RecordTag : std::uint8_t {
  kHeader = 1,
  kEvent,
  kConnection,
  kExchange,
  kCall,
  kContentChunk,
  kTrailer,
  kTableRoots,
  kJournalRun,
  kJournalNote,
  kJournalReference,
  kJournalEarlier,
};

// A piece of content that is stored once. Pieces of one content follow one another.
struct ContentChunk {
  std::uint64_t number = 0;                   // of the content, from 1
  std::uint64_t hash_low = 0, hash_high = 0;  // xxh3-128 of the whole content
  std::uint64_t size = 0;                     // of the whole content
  std::uint64_t offset = 0;                   // of this piece
  event::Bytes bytes;
};

// Where a table of the index starts, and how many entries it has (archive/index.h).
struct TableRoot {
  std::uint64_t offset = 0;
  std::uint64_t entries = 0;
};
struct TableRoots {
  TableRoot blocks, exchanges, calls, connections, contents;
};

inline constexpr std::size_t kPayloadBaseBytes = 8;
inline constexpr std::size_t kRecordHeadBytes = 5;
// Bound of one record's body. Larger ones are replaced by a gap.
inline constexpr std::size_t kMaxRecordBytes = 8u << 20;

// Appends one record to `payload`, whose base stamp is `base`.
void encode(const Header&, std::uint64_t base, ByteBuffer& payload);
void encode(const event::Event&, std::uint64_t base, ByteBuffer& payload);
void encode(const event::Connection&, std::uint64_t base, ByteBuffer& payload);
void encode(const event::Exchange&, std::uint64_t base, ByteBuffer& payload);
void encode(const event::Call&, std::uint64_t base, ByteBuffer& payload);
void encode(const ContentChunk&, std::uint64_t base, ByteBuffer& payload);
void encode(const Trailer&, std::uint64_t base, ByteBuffer& payload);
void encode(const TableRoots&, std::uint64_t base, ByteBuffer& payload);
void encode(const journal::Note&, std::uint64_t base, ByteBuffer& payload);
// A run is encoded piece by piece: slot (4 bytes) and position (8), then the agent's records as the
// caller appends them, until end_record() fills in the length of the record that began at `begin`.
inline constexpr std::size_t kRunHeadBytes = 12;
void begin_run(std::uint32_t slot, std::uint64_t position, ByteBuffer& payload);
void end_record(std::size_t begin, ByteBuffer& payload);
// slot (4 bytes), position (8), content (8), then the head.
void encode(const JournalReference&, ByteBuffer& payload);
void encode(const JournalEarlier&, ByteBuffer& payload);

// One record of a payload, not decoded.
struct RawRecord {
  RecordTag tag{};           // may be none of the enumerators
  std::uint32_t offset = 0;  // of its length field, in the payload
  std::span<const std::uint8_t> body;
};

// How to read the records of one block.
struct Coding {
  std::uint64_t base = 0;   // stamp
  std::uint16_t minor = 0;  // format version of the block
};

// Walks the records of a payload. The payload must outlive it.
class RecordCursor {
 public:
  explicit RecordCursor(std::span<const std::uint8_t> payload);

  std::uint64_t base() const { return base_; }
  // Goes to the record at `offset` of the payload.
  void seek(std::uint32_t offset) { at_ = offset; }
  // The next record, or none at the end of the payload or where it is malformed.
  std::optional<RawRecord> next();
  // True after a next() which found a length that the payload does not hold.
  bool malformed() const { return malformed_; }

 private:
  std::span<const std::uint8_t> payload_;
  std::uint64_t base_ = 0;
  std::size_t at_ = 0;
  bool malformed_ = false;
};

// Decodes a body into `out`, whose former value is lost. Errors say what is wrong. A fact from a
// newer minor version comes back as a Gap that names it.
using Decoded = tl::expected<void, std::string>;
[[nodiscard]] Decoded decode(const RawRecord&, Coding, Header& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, event::Event& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, event::Connection& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, event::Exchange& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, event::Call& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, ContentChunk& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, Trailer& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, TableRoots& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, journal::Note& out);
// `out` refers to the payload.
[[nodiscard]] Decoded decode(const RawRecord&, Coding, JournalRun& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, JournalReference& out);
[[nodiscard]] Decoded decode(const RawRecord&, Coding, JournalEarlier& out);

}  // namespace reprise::archive
