#include "archive/block.h"

#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "archive/little_endian.h"

namespace reprise::archive {
namespace {

constexpr std::size_t kHeaderChecksumAt = 64;

std::uint64_t checksum(std::span<const std::uint8_t> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

bool plausible(const BlockHeader& header) {
  const auto kind = static_cast<std::uint8_t>(header.kind);
  if (kind < static_cast<std::uint8_t>(BlockKind::kHeader)) return false;
  // A newer minor version may bring kinds of blocks, which are stepped over.
  if (kind > static_cast<std::uint8_t>(BlockKind::kJournal) && header.minor <= kMinorVersion) {
    return false;
  }
  if (header.number > kMaxBlockNumber) return false;
  if (header.raw_bytes > kMaxPayloadBytes || header.stored_bytes > kMaxPayloadBytes) return false;
  if (header.codec == Codec::kStored) return header.raw_bytes == header.stored_bytes;
  return header.codec == Codec::kZstd;
}

}  // namespace

std::uint32_t recording_tag(std::string_view session) {
  return static_cast<std::uint32_t>(XXH3_64bits(session.data(), session.size()));
}

Hash128 content_hash(std::span<const std::uint8_t> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

void store_block_header(const BlockHeader& header, std::uint8_t* at) {
  std::memcpy(at, kMagic.data(), kMagic.size());
  store_le(at + 8, header.major);
  store_le(at + 10, header.minor);
  at[12] = static_cast<std::uint8_t>(header.kind);
  at[13] = static_cast<std::uint8_t>(header.codec);
  store_le(at + 14, std::uint16_t{0});
  store_le(at + 16, header.stored_bytes);
  store_le(at + 20, header.raw_bytes);
  store_le(at + 24, header.records);
  store_le(at + 28, header.recording);
  store_le(at + 32, header.number);
  store_le(at + 40, header.first_stamp);
  store_le(at + 48, header.last_stamp);
  store_le(at + 56, header.payload_checksum);
  store_le(at + kHeaderChecksumAt, header_checksum(at));
}

std::uint64_t header_checksum(const std::uint8_t* header) {
  return checksum({header, kHeaderChecksumAt});
}

std::optional<BlockHeader> load_block_header(
    std::span<const std::uint8_t, kBlockHeaderBytes> bytes) {
  const std::uint8_t* at = bytes.data();
  if (std::memcmp(at, kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  if (load_le<std::uint64_t>(at + kHeaderChecksumAt) != header_checksum(at)) return std::nullopt;
  BlockHeader header;
  header.major = load_le<std::uint16_t>(at + 8);
  header.minor = load_le<std::uint16_t>(at + 10);
  if (!is_known_major(header.major)) return header;
  header.kind = static_cast<BlockKind>(at[12]);
  header.codec = static_cast<Codec>(at[13]);
  header.stored_bytes = load_le<std::uint32_t>(at + 16);
  header.raw_bytes = load_le<std::uint32_t>(at + 20);
  header.records = load_le<std::uint32_t>(at + 24);
  header.recording = load_le<std::uint32_t>(at + 28);
  header.number = load_le<std::uint64_t>(at + 32);
  header.first_stamp = load_le<std::uint64_t>(at + 40);
  header.last_stamp = load_le<std::uint64_t>(at + 48);
  header.payload_checksum = load_le<std::uint64_t>(at + 56);
  if (!plausible(header)) return std::nullopt;
  return header;
}

struct BlockSealer::State {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~State() { ZSTD_freeCCtx(context); }
};

BlockSealer::BlockSealer(int compression_level) : state_(std::make_unique<State>()) {
  if (state_->context == nullptr) std::abort();  // out of memory before anything was recorded
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_compressionLevel, compression_level);
  // The header of the block says both already.
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_checksumFlag, 0);
}

BlockSealer::~BlockSealer() = default;

BlockHeader BlockSealer::seal(BlockHeader header, std::span<const std::uint8_t> payload,
                              Codec wanted, ByteBuffer& out) {
  assert(payload.size() <= kMaxPayloadBytes);
  out.clear();
  const std::size_t room = ZSTD_compressBound(payload.size());
  std::uint8_t* const block = out.reserve(kBlockHeaderBytes + room);
  std::uint8_t* const stored = block + kBlockHeaderBytes;
  std::size_t stored_bytes = payload.size();
  header.codec = Codec::kStored;
  if (wanted == Codec::kZstd) {
    const std::size_t compressed =
        ZSTD_compress2(state_->context, stored, room, payload.data(), payload.size());
    if (!ZSTD_isError(compressed) && compressed < payload.size()) {
      header.codec = Codec::kZstd;
      stored_bytes = compressed;
    }
  }
  if (header.codec == Codec::kStored && !payload.empty()) {
    std::memcpy(stored, payload.data(), payload.size());
  }
  header.raw_bytes = static_cast<std::uint32_t>(payload.size());
  header.stored_bytes = static_cast<std::uint32_t>(stored_bytes);
  header.payload_checksum = checksum({stored, stored_bytes});
  store_block_header(header, block);
  out.commit(kBlockHeaderBytes + stored_bytes);
  return header;
}

struct BlockOpener::State {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ~State() { ZSTD_freeDCtx(context); }
};

BlockOpener::BlockOpener() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr) std::abort();
}

BlockOpener::~BlockOpener() = default;

tl::expected<void, std::string> BlockOpener::open(const BlockHeader& header,
                                                  std::span<const std::uint8_t> stored,
                                                  std::vector<std::uint8_t>& payload) {
  assert(stored.size() == header.stored_bytes);
  if (checksum(stored) != header.payload_checksum) {
    return tl::unexpected(std::string("its checksum does not match"));
  }
  if (header.codec == Codec::kStored) {
    payload.assign(stored.begin(), stored.end());
    return {};
  }
  // raw_bytes is bounded by load_block_header, so a bomb ends here as "does not decompress".
  payload.resize(header.raw_bytes);
  const std::size_t size = ZSTD_decompressDCtx(state_->context, payload.data(), payload.size(),
                                               stored.data(), stored.size());
  if (ZSTD_isError(size) || size != payload.size()) {
    return tl::unexpected(std::string("it does not decompress to the size it states"));
  }
  return {};
}

}  // namespace reprise::archive
