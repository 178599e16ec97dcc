// Gives the lines of a stream, whatever pieces it comes in. A line that comes whole is a view into
// the caller's bytes; of one that comes in pieces at most kMaxLine bytes are kept.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/codec.h"

namespace reprise::protocol {

class LineBuffer {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{64} * 1024;

  struct Line {
    std::string_view
        text;  // without CRLF or LF; the first kMaxLine bytes. Valid until the next call
    bool truncated = false;  // it was longer
    std::uint64_t size = 0;  // in the stream, with its end
  };

  // Takes bytes off the front of `bytes` up to and including a line end; none when it is not there.
  [[nodiscard]] std::optional<Line> take(ByteSpan& bytes) {
    if (seen_ == 0) {
      if (const std::size_t size = whole_line(bytes); size != 0) {
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), size - 1);
        bytes = bytes.subspan(size);
        return Line{without_end(text).substr(0, kMaxLine), text.size() > kMaxLine, size};
      }
    }
    return take_piece(bytes);
  }

  // For a line end behind counted bytes: takes CRLF or LF and nothing else off the front of
  // `bytes`.
  enum class Ending : std::uint8_t { kMore, kTaken, kMissing };
  [[nodiscard]] Ending take_end(ByteSpan& bytes);

  // Bytes of the line that is not complete yet.
  std::uint64_t pending() const { return complete_ ? 0 : seen_; }

 private:
  // Bytes of the line at the front with its end, 0 when that is not there.
  static std::size_t whole_line(ByteSpan bytes) {
    const void* end = bytes.empty() ? nullptr : std::memchr(bytes.data(), '\n', bytes.size());
    if (end == nullptr) return 0;
    return static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - bytes.data()) + 1;
  }
  static std::string_view without_end(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  std::optional<Line> take_piece(ByteSpan& bytes);
  void start_line();

  std::string kept_;
  std::uint64_t seen_ = 0;
  bool complete_ = false;  // kept_ is a line that was given out
};

}  // namespace reprise::protocol
