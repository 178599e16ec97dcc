#include "archive/stream.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace reprise::archive {

void StreamAssembler::feed(const event::Event& event) {
  if (!sent_) {
    const auto* read = std::get_if<event::BytesReceived>(&event.fact);
    if (read == nullptr || read->connection != connection_ || read->bytes.empty()) return;
    cover(read->offset, {read->bytes, std::nullopt, 0, read->bytes.size()});
  } else if (const auto* intent = std::get_if<event::SendIntended>(&event.fact)) {
    if (intent->connection != connection_) return;
    announce(intent->offset, intent->bytes.size(), intent->continues);
    put_off(intent->offset, {intent->bytes, std::nullopt, 0, intent->bytes.size()});
  } else if (const auto* file = std::get_if<event::FileRangeSent>(&event.fact)) {
    if (file->connection != connection_) return;
    announce(file->offset, file->length, false);
    if (file->content) put_off(file->offset, {{}, file->content, 0, file->length});
  } else if (const auto* finished = std::get_if<event::SendFinished>(&event.fact)) {
    if (finished->connection == connection_) finish(*finished);
  }
}

// A send in several parts is one send from the offset of its first part.
void StreamAssembler::announce(std::uint64_t offset, std::uint64_t length, bool continues) {
  const std::uint64_t end = offset + std::min(length, ~offset);
  const std::uint64_t begin = continuing_.value_or(offset);
  std::uint64_t& known = sends_[begin];
  known = std::max(continuing_ ? known : end, end);
  continuing_ = continues ? std::optional(begin) : std::nullopt;
}

void StreamAssembler::put_off(std::uint64_t offset, Piece piece) {
  const std::uint64_t end = offset + std::min(piece.length, ~offset);
  const std::uint64_t from = std::max(offset, range_.begin);
  const std::uint64_t to = std::min(end, range_.end);
  if (from >= to) return;
  announced_[from] = cut(piece, from - offset, to - from);
}

void StreamAssembler::finish(const event::SendFinished& finished) {
  const auto send = sends_.find(finished.offset);
  if (send == sends_.end()) return;
  const std::uint64_t end = send->second;
  const std::uint64_t taken =
      finished.result > 0
          ? std::min(end - finished.offset, static_cast<std::uint64_t>(finished.result))
          : 0;
  const std::uint64_t accepted = finished.offset + taken;
  sends_.erase(send);
  continuing_.reset();
  auto at = announced_.lower_bound(std::max(finished.offset, range_.begin));
  while (at != announced_.end() && at->first < end) {
    if (at->first < accepted) {
      const std::uint64_t length = std::min(at->second.length, accepted - at->first);
      cover(at->first, cut(at->second, 0, length));
    }
    at = announced_.erase(at);
  }
}

// Adds what of `piece` lies in the range and is not there yet.
void StreamAssembler::cover(std::uint64_t offset, const Piece& piece) {
  const std::uint64_t end = std::min(offset + std::min(piece.length, ~offset), range_.end);
  std::uint64_t from = std::max(offset, range_.begin);
  while (from < end) {
    auto next = covering_.upper_bound(from);
    if (next != covering_.begin()) {
      const auto& [begin, there] = *std::prev(next);
      if (begin + there.length > from) {
        from = begin + there.length;
        continue;
      }
    }
    const std::uint64_t to = next == covering_.end() ? end : std::min(end, next->first);
    covering_.emplace(from, cut(piece, from - offset, to - from));
    covered_ += to - from;
    from = to;
  }
}

StreamAssembler::Piece StreamAssembler::cut(const Piece& piece, std::uint64_t from,
                                            std::uint64_t length) {
  Piece part;
  part.length = length;
  if (piece.content) {
    part.content = piece.content;
    part.content_offset = piece.content_offset + from;
  } else {
    const auto begin = piece.bytes.begin() + static_cast<std::ptrdiff_t>(from);
    part.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
  }
  return part;
}

tl::expected<event::Bytes, event::ByteRange> StreamAssembler::take(const ContentSource& content) {
  for (const auto& [offset, piece] : std::exchange(announced_, {})) cover(offset, piece);
  event::Bytes bytes;
  std::uint64_t at = range_.begin;
  std::optional<std::uint64_t> loaded;  // number of what is in `stored`
  event::Bytes stored;
  for (const auto& [offset, piece] : covering_) {
    if (offset != at) return tl::unexpected(event::ByteRange{at, offset});
    if (!piece.content) {
      bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
    } else {
      if (loaded != piece.content) {
        stored = content(*piece.content).value_or(event::Bytes{});
        loaded = piece.content;
      }
      if (piece.content_offset > stored.size() ||
          piece.length > stored.size() - piece.content_offset) {
        return tl::unexpected(event::ByteRange{at, at + piece.length});
      }
      const auto begin = stored.begin() + static_cast<std::ptrdiff_t>(piece.content_offset);
      bytes.insert(bytes.end(), begin, begin + static_cast<std::ptrdiff_t>(piece.length));
    }
    at += piece.length;
  }
  if (at != range_.end) return tl::unexpected(event::ByteRange{at, range_.end});
  return bytes;
}

}  // namespace reprise::archive
