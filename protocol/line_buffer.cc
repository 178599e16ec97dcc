#include "protocol/line_buffer.h"

#include <algorithm>
#include <cstring>

namespace reprise::protocol {
namespace {

// One long line must not cost its memory for the rest of the connection.
constexpr std::size_t kUsualLine = 4096;

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

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

std::optional<LineBuffer::Line> LineBuffer::take(ByteSpan& bytes) {
  if (complete_) {
    start_line();
  }
  if (bytes.empty()) {
    return std::nullopt;
  }
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  const auto* feed = static_cast<const char*>(std::memchr(begin, '\n', bytes.size()));
  const std::size_t taken =
      feed != nullptr ? static_cast<std::size_t>(feed - begin) + 1 : bytes.size();
  const std::string_view piece(begin, feed != nullptr ? taken - 1 : taken);
  bytes = bytes.subspan(taken);
  if (feed != nullptr && seen_ == 0) {
    return Line{without_end(piece).substr(0, kMaxLine), piece.size() > kMaxLine, taken};
  }
  kept_.append(piece.substr(0, kMaxLine + 2 - std::min(kept_.size(), kMaxLine + 2)));
  seen_ += taken;
  if (feed == nullptr) {
    return std::nullopt;
  }
  complete_ = true;
  return Line{without_end(kept_).substr(0, kMaxLine), seen_ - 1 > kMaxLine, seen_};
}

}  // namespace reprise::protocol
