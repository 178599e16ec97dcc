// Blocks: the unit of writing, checking and recovery. Each can be found, checked and decoded alone.
//
// Layout (little-endian; docs/archive_format.md has the reasons):
//
//    0        8      10      12    13     14        16      20      24       28
//   +--------+-------+-------+-----+------+---------+-------+-------+--------+-----------+
//   | magic  | major | minor | kind| codec| 0   0   | stored| raw   | records| recording |
//   +--------+-------+-------+-----+------+---------+-------+-------+--------+-----------+
//   32        40            48           56                 64                 72
//   +---------+-------------+------------+------------------+------------------+- - - - - -+
//   | number  | first stamp | last stamp | payload checksum | header checksum  | payload   |
//   +---------+-------------+------------+------------------+------------------+- - - - - -+
//
//   stored     bytes of the payload in the file        raw        bytes once decompressed
//   records    in the payload                          recording  tells archives apart
//   number     blocks count from 0, in file order
//   checksums  xxh3-64 of the payload as stored; of the 64 bytes before
//
// Magic, major and the header checksum keep their places in every version to come.
// Everything that includes zstd and xxhash is behind this header.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "archive/byte_buffer.h"

namespace reprise::archive {

// What kind of file it is: a recording, or the journal of one (Header::journal), which readers that
// know recordings only must refuse. Both kinds have the same minor versions.
inline constexpr std::uint16_t kMajorVersion = 1;
inline constexpr std::uint16_t kJournalMajorVersion = 2;
inline constexpr std::uint16_t kMinorVersion = 4;

constexpr bool is_known_major(std::uint16_t major) {
  return major == kMajorVersion || major == kJournalMajorVersion;
}

// As PNG's: not text, and a transfer that changes line ends or strips the eighth bit breaks it.
inline constexpr std::array<std::uint8_t, 8> kMagic = {0x8b, 'R', 'P', 'R', 'S', '\r', '\n', 0x1a};
inline constexpr std::size_t kBlockHeaderBytes = 72;
// Bounds what a reader has to hold, whatever a block says of itself.
inline constexpr std::size_t kMaxPayloadBytes = 16u << 20;
inline constexpr std::uint64_t kMaxBlockNumber = 0xffff'ffff;

enum class BlockKind : std::uint8_t {
  kHeader = 1,  // one Header record; the first block
  kEvents,      // Event records
  kDerived,     // Connection, Exchange and Call records
  kContent,     // ContentChunk records
  kTable,       // one page of a table of the index (archive/index.h); not compressed
  kTrailer,     // Header (again), Trailer and TableRoots records
  kEnd,         // file offset of the trailer block (8 bytes); the last block
  kJournal,     // JournalRun and journal::Note records (archive/journal.h)
};

enum class Codec : std::uint8_t { kStored = 0, kZstd = 1 };

struct BlockHeader {
  std::uint16_t major = kMajorVersion;
  std::uint16_t minor = kMinorVersion;
  BlockKind kind = BlockKind::kHeader;
  Codec codec = Codec::kStored;
  std::uint32_t stored_bytes = 0;
  std::uint32_t raw_bytes = 0;
  std::uint32_t records = 0;
  std::uint32_t recording = 0;
  std::uint64_t number = 0;
  // Smallest `enter` and greatest `exit` of its events, in ticks; without events, of those before.
  std::uint64_t first_stamp = 0;
  std::uint64_t last_stamp = 0;
  std::uint64_t payload_checksum = 0;

  std::uint64_t file_bytes() const { return kBlockHeaderBytes + stored_bytes; }
};

// What `recording` holds for a session: a block of another archive, such as one that was sent over
// a recorded connection, is not taken for one of ours.
std::uint32_t recording_tag(std::string_view session);

struct Hash128 {
  std::uint64_t low = 0, high = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};
Hash128 content_hash(std::span<const std::uint8_t> bytes);

void store_block_header(const BlockHeader& header, std::uint8_t* at);  // kBlockHeaderBytes
// Of the part of a header in front of its checksum.
std::uint64_t header_checksum(const std::uint8_t* header);

// The header at `bytes`, none when its magic, checksum or bounds are wrong. Of a header with
// another major version only `major` and `minor` mean anything.
std::optional<BlockHeader> load_block_header(
    std::span<const std::uint8_t, kBlockHeaderBytes> bytes);

// Makes blocks. Keeps its compression state, so that a small block costs little.
class BlockSealer {
 public:
  explicit BlockSealer(int compression_level);
  ~BlockSealer();
  BlockSealer(const BlockSealer&) = delete;
  BlockSealer& operator=(const BlockSealer&) = delete;

  // Puts the whole block into `out`, in place of what it held, and returns its header. kind,
  // recording, number, records and stamps are taken from `header`; payload.size() <=
  // kMaxPayloadBytes.
  BlockHeader seal(BlockHeader header, std::span<const std::uint8_t> payload, Codec wanted,
                   ByteBuffer& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Checks and decompresses payloads.
class BlockOpener {
 public:
  BlockOpener();
  ~BlockOpener();
  BlockOpener(const BlockOpener&) = delete;
  BlockOpener& operator=(const BlockOpener&) = delete;

  // `stored` is header.stored_bytes long. An error says what is wrong with the payload.
  [[nodiscard]] tl::expected<void, std::string> open(const BlockHeader& header,
                                                     std::span<const std::uint8_t> stored,
                                                     std::vector<std::uint8_t>& payload);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::archive
