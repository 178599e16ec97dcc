#include "archive/block.h"

#include <gtest/gtest.h>

#include <random>

#include "archive/little_endian.h"

namespace reprise::archive {
namespace {

std::vector<std::uint8_t> text_payload() {
  std::vector<std::uint8_t> payload;
  for (int i = 0; i < 2000; ++i) payload.push_back(static_cast<std::uint8_t>("abcdefg"[i % 7]));
  return payload;
}

std::vector<std::uint8_t> sealed(std::span<const std::uint8_t> payload, Codec codec,
                                 std::uint64_t number = 3) {
  BlockHeader header;
  header.kind = BlockKind::kEvents;
  header.number = number;
  header.records = 4;
  header.recording = 77;
  header.first_stamp = 10;
  header.last_stamp = 20;
  ByteBuffer block;
  BlockSealer(1).seal(header, payload, codec, block);
  return {block.view().begin(), block.view().end()};
}

std::optional<BlockHeader> header_of(const std::vector<std::uint8_t>& block) {
  return load_block_header(
      std::span<const std::uint8_t, kBlockHeaderBytes>(block.data(), kBlockHeaderBytes));
}

std::string open_problem(const std::vector<std::uint8_t>& block, const BlockHeader& header) {
  std::vector<std::uint8_t> payload;
  const auto opened =
      BlockOpener().open(header, std::span(block).subspan(kBlockHeaderBytes), payload);
  return opened ? "" : opened.error();
}

TEST(Block, ComesBackWithItsHeader) {
  const auto payload = text_payload();
  for (const Codec codec : {Codec::kStored, Codec::kZstd}) {
    const auto block = sealed(payload, codec);
    const auto header = header_of(block);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->codec, codec);
    EXPECT_EQ(header->number, 3u);
    EXPECT_EQ(header->records, 4u);
    EXPECT_EQ(header->recording, 77u);
    EXPECT_EQ(header->first_stamp, 10u);
    EXPECT_EQ(header->last_stamp, 20u);
    EXPECT_EQ(header->file_bytes(), block.size());
    std::vector<std::uint8_t> back;
    ASSERT_TRUE(BlockOpener().open(*header, std::span(block).subspan(kBlockHeaderBytes), back));
    EXPECT_EQ(back, payload);
  }
}

TEST(Block, WhatDoesNotCompressIsStored) {
  std::mt19937 random(1);
  std::vector<std::uint8_t> payload(1000);
  for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
  EXPECT_EQ(header_of(sealed(payload, Codec::kZstd))->codec, Codec::kStored);
}

TEST(Block, EveryFlippedBitIsNoticed) {
  const auto payload = text_payload();
  const auto block = sealed(payload, Codec::kZstd);
  for (std::size_t bit = 0; bit < 8 * block.size(); ++bit) {
    auto damaged = block;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
    const auto header = header_of(damaged);
    EXPECT_TRUE(!header || !open_problem(damaged, *header).empty()) << "bit " << bit;
  }
}

TEST(Block, BombEndsAtTheSizeTheHeaderStates) {
  const std::vector<std::uint8_t> zeros(kMaxPayloadBytes, 0);
  const auto block = sealed(zeros, Codec::kZstd);
  EXPECT_LT(block.size(), 10'000u);
  BlockHeader header = *header_of(block);
  header.raw_bytes = 100;  // says little, unfolds to much
  EXPECT_NE(open_problem(block, header), "");
}

// Rewrites a field of a header together with its checksum, as an attacker would.
template <typename Unsigned>
std::optional<BlockHeader> crafted(std::size_t at, Unsigned value) {
  const std::vector<std::uint8_t> payload = text_payload();
  auto block = sealed(payload, Codec::kZstd);
  store_le(block.data() + at, value);
  store_le(block.data() + 64, header_checksum(block.data()));
  return header_of(block);
}

TEST(Block, ImplausibleHeadersAreNotBlocks) {
  ASSERT_TRUE(crafted(24, std::uint32_t{4}));  // nothing changed: the crafting works
  EXPECT_FALSE(crafted(16, std::uint32_t{kMaxPayloadBytes + 1}));  // stored
  EXPECT_FALSE(crafted(20, std::uint32_t{kMaxPayloadBytes + 1}));  // raw
  EXPECT_FALSE(crafted(12, std::uint8_t{0}));                      // kind
  EXPECT_FALSE(crafted(12, std::uint8_t{99}));
  EXPECT_FALSE(crafted(13, std::uint8_t{2}));      // codec
  EXPECT_FALSE(crafted(32, kMaxBlockNumber + 1));  // number
}

TEST(Block, KindsOfANewerMinorVersionAreBlocks) {
  auto block = sealed(text_payload(), Codec::kZstd);
  block[12] = 99;
  store_le(block.data() + 10, static_cast<std::uint16_t>(kMinorVersion + 1));
  store_le(block.data() + 64, header_checksum(block.data()));
  EXPECT_TRUE(header_of(block));
}

TEST(Block, HeaderOfANewerMajorVersionTellsIt) {
  const auto header = crafted(8, std::uint16_t{kJournalMajorVersion + 1});
  ASSERT_TRUE(header);
  EXPECT_EQ(header->major, kJournalMajorVersion + 1);
}

}  // namespace
}  // namespace reprise::archive
