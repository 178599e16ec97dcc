// Gives the lines of a stream, whatever pieces it comes in. A line that comes whole is a view into
// the caller's bytes; of one that comes in pieces at most kMaxLine bytes are kept.
#pragma once

#include <cstdint>
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
  [[nodiscard]] std::optional<Line> take(ByteSpan& bytes);

  // For a line end behind counted bytes: takes CRLF or LF and nothing else off the front of
  // `bytes`.
  enum class Ending : std::uint8_t { kMore, kTaken, kMissing };
  [[nodiscard]] Ending take_end(ByteSpan& bytes);

  // Bytes of the line that is not complete yet.
  std::uint64_t pending() const { return complete_ ? 0 : seen_; }

 private:
  void start_line();

  std::string kept_;
  std::uint64_t seen_ = 0;
  bool complete_ = false;  // kept_ is a line that was given out
};

}  // namespace reprise::protocol
