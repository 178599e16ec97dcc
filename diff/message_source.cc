#include "diff/message_source.h"

#include <algorithm>
#include <iterator>
#include <variant>

namespace reprise::diff {

MessageSource::MessageSource(archive::Reader& reader, event::Context context)
    : reader_(reader), context_(context) {
  if (context.kind != event::Context::Kind::kExchange) return;
  reader.each_event_of(context.exchange, [this](const event::Event& event) {
    feed(event);
    return true;
  });
}

void MessageSource::feed(const event::Event& event) {
  if (const auto* read = std::get_if<event::BytesReceived>(&event.fact)) {
    if (!read->bytes.empty()) {
      stream(read->connection, false).pieces.emplace(read->offset, read->bytes);
    }
  } else if (const auto* intent = std::get_if<event::SendIntended>(&event.fact)) {
    stream(intent->connection, true).pending[intent->offset] = intent->bytes;
  } else if (const auto* finished = std::get_if<event::SendFinished>(&event.fact)) {
    Stream& sent = stream(finished->connection, true);
    auto announced = sent.pending.extract(finished->offset);
    // More than this part took: it is one of several, which the archive puts together.
    if (announced.empty() || finished->result <= 0 ||
        static_cast<std::uint64_t>(finished->result) > announced.mapped().size()) {
      return;
    }
    announced.mapped().resize(static_cast<std::size_t>(finished->result));
    sent.pieces.insert(std::move(announced));
  }
}

std::optional<event::Bytes> MessageSource::assemble(event::ConnectionId connection, bool sent,
                                                    event::ByteRange range) const {
  const auto found = streams_.find({connection.value, sent});
  if (found == streams_.end()) return std::nullopt;
  const auto& pieces = found->second.pieces;
  event::Bytes bytes;
  for (std::uint64_t at = range.begin; at < range.end;) {
    const auto next = pieces.upper_bound(at);
    if (next == pieces.begin()) return std::nullopt;
    const auto& [offset, piece] = *std::prev(next);
    if (at - offset >= piece.size()) return std::nullopt;
    const std::uint64_t length = std::min(piece.size() - (at - offset), range.end - at);
    const auto begin = piece.begin() + static_cast<std::ptrdiff_t>(at - offset);
    bytes.insert(bytes.end(), begin, begin + static_cast<std::ptrdiff_t>(length));
    at += length;
  }
  return bytes;
}

MessageSource::Result MessageSource::request(const event::Exchange& exchange) {
  if (auto bytes = assemble(exchange.connection, false, exchange.request)) return *bytes;
  return reader_.request(exchange);
}
MessageSource::Result MessageSource::response(const event::Exchange& exchange) {
  if (auto bytes = assemble(exchange.connection, true, exchange.response)) return *bytes;
  return reader_.response(exchange);
}
MessageSource::Result MessageSource::request(const event::Call& call) {
  if (auto bytes = assemble(call.connection, true, call.request)) return *bytes;
  return reader_.request(call);
}
MessageSource::Result MessageSource::response(const event::Call& call) {
  if (auto bytes = assemble(call.connection, false, call.response)) return *bytes;
  return reader_.response(call);
}

}  // namespace reprise::diff
