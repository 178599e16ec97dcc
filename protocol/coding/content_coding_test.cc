#include "protocol/coding/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

namespace reprise::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// `window_bits` as for deflateInit2: 31 gzip, 15 zlib, -15 raw.
Bytes deflated(const Bytes& content, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&stream, content.size()) + 64);
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(ContentCodingTest, EveryCodingComesOff) {
  const Bytes text = bytes_of(std::string(100'000, 'x') + "end");
  EXPECT_EQ(decode_content("gzip", deflated(text, 31)).bytes, text);
  EXPECT_EQ(decode_content("X-GZip", deflated(text, 31)).bytes, text);
  EXPECT_EQ(decode_content("deflate", deflated(text, 15)).bytes, text);
  EXPECT_EQ(decode_content("deflate", deflated(text, -15)).bytes, text);
  Bytes frame(ZSTD_compressBound(text.size()));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), text.data(), text.size(), 1));
  EXPECT_EQ(decode_content("zstd", frame).bytes, text);
}

TEST(ContentCodingTest, CodingsComeOffInReverseOrder) {
  const Bytes text = bytes_of("hello");
  EXPECT_EQ(decode_content("deflate, identity , gzip", deflated(deflated(text, 15), 31)).bytes,
            text);
}

TEST(ContentCodingTest, ConcatenatedGzipMembersAreOneContent) {
  Bytes both = deflated(bytes_of("one "), 31);
  const Bytes second = deflated(bytes_of("two"), 31);
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(decode_content("gzip", both).bytes, bytes_of("one two"));
}

TEST(ContentCodingTest, BombIsRefusedAndLeftAsItWas) {
  const Bytes bomb = deflated(Bytes(10'000'000, 0), 31);
  const DecodedContent refused = decode_content("gzip", bomb, 1'000'000);
  EXPECT_EQ(refused.problem, "gzip content unfolds to more than 1000000 bytes");
  EXPECT_EQ(refused.bytes, bomb);
  EXPECT_EQ(decode_content("gzip", bomb, 10'000'000).problem, "");
}

TEST(ContentCodingTest, CutDamagedAndUnknownAreToldApart) {
  Bytes cut = deflated(bytes_of("hello hello hello"), 31);
  cut.resize(cut.size() - 9);
  EXPECT_EQ(decode_content("gzip", cut).problem, "gzip content is cut");
  EXPECT_EQ(decode_content("gzip", bytes_of("not gzip")).problem, "gzip content is damaged");
  EXPECT_EQ(decode_content("br", bytes_of("x")).problem, "the coding br is not known");
  EXPECT_EQ(decode_content("br", bytes_of("x")).bytes, bytes_of("x"));
  EXPECT_EQ(decode_content("zstd", bytes_of("not zstd at all")).problem, "zstd content is damaged");
}

TEST(ContentCodingTest, NothingIsNothingUnderAnyCoding) {
  EXPECT_EQ(decode_content("gzip", {}).problem, "");  // HEAD, 304
  EXPECT_EQ(decode_content("", bytes_of("plain")).bytes, bytes_of("plain"));
}

}  // namespace
}  // namespace reprise::protocol
