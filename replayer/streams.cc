#include "replayer/streams.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace reprise::replayer {

void Streams::on_event(const event::Event& event) {
  if (const auto* received = std::get_if<event::BytesReceived>(&event.fact)) {
    if (!received->bytes.empty()) {
      append({received->connection, Flow::kReceived}, received->offset, received->bytes);
    }
  } else if (const auto* sent = std::get_if<event::SendIntended>(&event.fact)) {
    unfinished_.try_emplace(sent->connection, pieces_.size());
    append({sent->connection, Flow::kSent}, sent->offset, sent->bytes);
  } else if (const auto* file = std::get_if<event::FileRangeSent>(&event.fact)) {
    unfinished_.try_emplace(file->connection, pieces_.size());
    pieces_.push_back({.stream = {file->connection, Flow::kSent},
                       .begin = file->offset,
                       .end = file->offset + file->length,
                       .position = 0,
                       .content = file->content ? *file->content + 1 : 0,
                       .missing = !file->content});
  } else if (const auto* finished = std::get_if<event::SendFinished>(&event.fact)) {
    on_sent(*finished);
  }
}

void Streams::append(const StreamName& stream, std::uint64_t offset,
                     std::span<const std::uint8_t> bytes) {
  // Neighbouring small reads and sends make one piece.
  if (!pieces_.empty()) {
    Piece& last = pieces_.back();
    if (stream.flow == Flow::kReceived && last.stream == stream && last.end == offset &&
        last.content == 0 && !last.missing &&
        last.position + (last.end - last.begin) == payload_.size()) {
      payload_.append(bytes);
      last.end += bytes.size();
      return;
    }
  }
  pieces_.push_back({.stream = stream,
                     .begin = offset,
                     .end = offset + bytes.size(),
                     .position = payload_.append(bytes)});
}

void Streams::on_sent(const event::SendFinished& sent) {
  const auto first = unfinished_.find(sent.connection);
  if (first == unfinished_.end()) return;
  const std::uint64_t accepted =
      sent.offset + (sent.result > 0 ? static_cast<std::uint64_t>(sent.result) : 0);
  for (std::size_t i = first->second; i < pieces_.size(); ++i) {
    Piece& piece = pieces_[i];
    if (piece.stream != StreamName{sent.connection, Flow::kSent} || piece.begin < sent.offset) {
      continue;
    }
    // No std::clamp: in a crafted archive a piece may end before it begins.
    piece.end = std::min(piece.end, std::max(piece.begin, accepted));
  }
  unfinished_.erase(first);
}

tl::expected<void, Error> Streams::finish() {
  unfinished_ = {};
  std::erase_if(pieces_, [](const Piece& piece) { return piece.begin >= piece.end; });
  std::ranges::stable_sort(
      pieces_, {}, [](const Piece& piece) { return std::tuple(piece.stream, piece.begin); });
  pieces_.shrink_to_fit();
  return payload_.seal();
}

// The one that offset lies in, if there is one. Pieces overlap only in crafted archives; the one
// that begins last before the offset is taken.
std::vector<Streams::Piece>::const_iterator Streams::piece_at(const StreamName& stream,
                                                              std::uint64_t offset) const {
  const auto piece =
      std::ranges::upper_bound(pieces_, std::tuple(stream, offset), {},
                               [](const Piece& p) { return std::tuple(p.stream, p.begin); });
  return piece == pieces_.begin() ? piece : piece - 1;
}

std::optional<std::span<const std::uint8_t>> Streams::in_one_piece(const StreamName& stream,
                                                                   event::ByteRange range) const {
  const auto piece = piece_at(stream, range.begin);
  if (piece == pieces_.end() || piece->stream != stream) return std::nullopt;
  const bool holds = piece->begin <= range.begin && range.end <= piece->end;
  if (!holds || piece->missing || piece->content != 0) return std::nullopt;
  return view(*piece, range);
}

bool Streams::visit(const StreamName& stream, event::ByteRange range, const Visit& visit) const {
  auto piece = piece_at(stream, range.begin);
  std::uint64_t at = range.begin;
  for (; at < range.end && piece != pieces_.end() && piece->stream <= stream; ++piece) {
    if (piece->stream != stream || piece->end <= at) continue;
    if (piece->begin > at || piece->missing) return false;
    const std::uint64_t end = std::min(piece->end, range.end);
    std::unique_lock<std::mutex> lock;
    if (piece->content != 0) lock = std::unique_lock(cache_mutex_);
    const std::span<const std::uint8_t> bytes = view(*piece, {at, end});
    visit(bytes);
    if (bytes.size() < end - at) return false;
    at = end;
  }
  return at >= range.end;
}

std::span<const std::uint8_t> Streams::view(const Piece& piece, event::ByteRange part) const {
  const std::uint64_t from = piece.position + (part.begin - piece.begin);
  if (piece.content == 0) return payload_.view(from, part.size());
  if (cached_content_ != piece.content) {
    cached_bytes_ = contents_(piece.content - 1).value_or(event::Bytes{});
    cached_content_ = piece.content;
  }
  const std::span<const std::uint8_t> all(cached_bytes_);
  if (from >= all.size()) return {};
  return all.subspan(from, std::min<std::uint64_t>(part.size(), all.size() - from));
}

event::Bytes Streams::bytes(const StreamName& stream, event::ByteRange range) const {
  event::Bytes all;
  visit(stream, range, [&](std::span<const std::uint8_t> piece) {
    all.insert(all.end(), piece.begin(), piece.end());
  });
  return all;
}

}  // namespace reprise::replayer
