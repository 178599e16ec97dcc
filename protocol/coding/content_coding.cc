#include "protocol/coding/content_coding.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace reprise::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;
using Buffer = std::array<std::uint8_t, std::size_t{64} * 1024>;

constexpr int kZlibOrGzip = 15 + 32;  // window bits with header detection, as zlib.h has it
constexpr int kRawDeflate = -15;

class Inflater {
 public:
  explicit Inflater(int window_bits) { ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends what `content` holds to `decoded`; returns why not, "" when it was whole.
  std::string run(ByteSpan content, std::size_t limit, Bytes& decoded) {
    auto buffer = std::make_unique<Buffer>();
    stream_.next_in =
        const_cast<Bytef*>(content.data());  // NOLINT: zlib does not write to its input
    std::size_t left = content.size();
    stream_.avail_in = 0;
    while (ready_) {
      if (stream_.avail_in == 0) {
        stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(left, UINT32_MAX));
        left -= stream_.avail_in;
      }
      stream_.next_out = buffer->data();
      stream_.avail_out = static_cast<uInt>(buffer->size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t made = buffer->size() - stream_.avail_out;
      if (decoded.size() + made > limit) {
        return "unfolds to more than " + std::to_string(limit) + " bytes";
      }
      decoded.insert(decoded.end(), buffer->begin(),
                     buffer->begin() + static_cast<std::ptrdiff_t>(made));
      if (result == Z_STREAM_END) {
        // gzip files may be concatenated (RFC 1952 section 2.2); anything else behind is ignored.
        const bool another =
            stream_.avail_in + left > 1 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
        if (!another || inflateReset(&stream_) != Z_OK) {
          return "";
        }
      } else if (result != Z_OK) {
        return result == Z_BUF_ERROR ? "is cut" : "is damaged";
      }
    }
    return "cannot be decoded: no memory";
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

std::string inflate_all(ByteSpan content, std::size_t limit, Bytes& decoded, bool maybe_raw) {
  std::string why = Inflater(kZlibOrGzip).run(content, limit, decoded);
  if (why == "is damaged" && maybe_raw && decoded.empty()) {
    // "deflate" without zlib's wrapper, against the RFC but common.
    why = Inflater(kRawDeflate).run(content, limit, decoded);
  }
  return why;
}

std::string decompress_zstd(ByteSpan content, std::size_t limit, Bytes& decoded) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  auto buffer = std::make_unique<Buffer>();
  ZSTD_inBuffer in{content.data(), content.size(), 0};
  std::size_t hint = 1;
  while (in.pos < in.size || hint != 0) {
    ZSTD_outBuffer out{buffer->data(), buffer->size(), 0};
    const std::size_t before = in.pos;
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(hint) != 0) {
      return "is damaged";
    }
    if (decoded.size() + out.pos > limit) {
      return "unfolds to more than " + std::to_string(limit) + " bytes";
    }
    decoded.insert(decoded.end(), buffer->begin(),
                   buffer->begin() + static_cast<std::ptrdiff_t>(out.pos));
    if (hint != 0 && in.pos == before && out.pos == 0) {
      return "is cut";
    }
  }
  return "";
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

// Takes one coding off; returns why not.
std::string remove_coding(const std::string& coding, std::size_t limit, Bytes& content) {
  Bytes decoded;
  std::string why;
  if (coding == "gzip" || coding == "x-gzip" || coding == "deflate") {
    why = inflate_all(content, limit, decoded, coding == "deflate");
  } else if (coding == "zstd") {
    why = decompress_zstd(content, limit, decoded);
  } else {
    return "the coding " + coding + " is not known";
  }
  if (why.empty()) {
    content = std::move(decoded);
    return "";
  }
  return coding + " content " + why;
}

}  // namespace

DecodedContent decode_content(std::string_view codings, ByteSpan content, std::size_t limit) {
  DecodedContent result{{content.begin(), content.end()}, ""};
  if (content.empty()) {
    return result;
  }
  std::string list = lower_case(codings);
  std::erase_if(list, [](char c) { return c == ' ' || c == '\t'; });
  // The coding put on last comes off first.
  while (!list.empty()) {
    const std::size_t comma = list.rfind(',');
    const std::string coding = comma == std::string::npos ? list : list.substr(comma + 1);
    list.resize(comma == std::string::npos ? 0 : comma);
    if (coding.empty() || coding == "identity") {
      continue;
    }
    result.problem = remove_coding(coding, limit, result.bytes);
    if (!result.problem.empty()) {
      result.bytes.assign(content.begin(), content.end());
      break;
    }
  }
  return result;
}

}  // namespace reprise::protocol
