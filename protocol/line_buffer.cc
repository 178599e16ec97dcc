#include "protocol/line_buffer.h"

#include <algorithm>

namespace reprise::protocol {
namespace {

// One long line must not cost its memory for the rest of the connection.
constexpr std::size_t kUsualLine = 4096;

}  // namespace

void LineBuffer::start_line() {
  kept_.clear();
  if (kept_.capacity() > kUsualLine) {
    kept_.shrink_to_fit();
  }
  seen_ = 0;
  complete_ = false;
}

LineBuffer::Ending LineBuffer::take_end(ByteSpan& bytes) {
  if (complete_) {
    start_line();
  }
  while (!bytes.empty()) {
    const std::uint8_t byte = bytes.front();
    if (byte != '\n' && (byte != '\r' || seen_ > 0)) {
      return Ending::kMissing;
    }
    bytes = bytes.subspan(1);
    ++seen_;
    if (byte == '\n') {
      start_line();
      return Ending::kTaken;
    }
  }
  return Ending::kMore;
}

// A line that began in an earlier piece, or does not end in this one.
std::optional<LineBuffer::Line> LineBuffer::take_piece(ByteSpan& bytes) {
  if (complete_) {
    start_line();
    return take(bytes);
  }
  if (bytes.empty()) {
    return std::nullopt;
  }
  const std::size_t line = whole_line(bytes);
  const std::size_t taken = line != 0 ? line : bytes.size();
  const std::string_view piece(reinterpret_cast<const char*>(bytes.data()),
                               line != 0 ? line - 1 : taken);
  bytes = bytes.subspan(taken);
  kept_.append(piece.substr(0, kMaxLine + 2 - std::min(kept_.size(), kMaxLine + 2)));
  seen_ += taken;
  if (line == 0) {
    return std::nullopt;
  }
  complete_ = true;
  return Line{without_end(kept_).substr(0, kMaxLine), seen_ - 1 > kMaxLine, seen_};
}

}  // namespace reprise::protocol
