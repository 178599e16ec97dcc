// Removes content and transfer codings from bodies: gzip, deflate (with or without zlib's wrapper),
// zstd. The result is bounded, whatever a few bytes claim to unfold to. Pure functions.
//
// Source: RFC 9110 section 8.4.1.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::protocol {

struct DecodedContent {
  std::vector<std::uint8_t> bytes;
  std::string problem;  // "" or why `bytes` are what they were
};

inline constexpr std::size_t kMaxDecodedContent = std::size_t{64} * 1024 * 1024;

// `codings` lists the codings in the order they were put on, as Content-Encoding does; "" and
// "identity" are none. On a problem `bytes` is `content` unchanged.
[[nodiscard]] DecodedContent decode_content(std::string_view codings,
                                            std::span<const std::uint8_t> content,
                                            std::size_t limit = kMaxDecodedContent);

}  // namespace reprise::protocol
