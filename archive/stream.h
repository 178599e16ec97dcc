// Puts one direction of a connection together from events: the bytes of a range, in order.
//
// Received bytes are what reads returned. Sent bytes are what was announced by SendIntended (or a
// file range) and then accepted, as SendFinished says. A send without a SendFinished was cut short
// by the end of the process: the kernel may have taken it, so its bytes fill what nothing else
// does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <tl/expected.hpp>

#include "event/event.h"

namespace reprise::archive {

class StreamAssembler {
 public:
  StreamAssembler(event::ConnectionId connection, bool sent, event::ByteRange range)
      : connection_(connection), sent_(sent), range_(range) {}

  // Events in the order of the archive; others than those of the stream do nothing.
  void feed(const event::Event& event);

  // All bytes of the range are there.
  bool complete() const { return covered_ == range_.size(); }

  // The bytes, or the first part of the range that is missing. `content` gets stored content by
  // number, none when it cannot be read.
  using ContentSource = std::function<std::optional<event::Bytes>(std::uint64_t number)>;
  [[nodiscard]] tl::expected<event::Bytes, event::ByteRange> take(const ContentSource& content);

 private:
  // Bytes, or where they are in a stored content.
  struct Piece {
    event::Bytes bytes;
    std::optional<std::uint64_t> content;
    std::uint64_t content_offset = 0;
    std::uint64_t length = 0;
  };
  using Pieces = std::map<std::uint64_t, Piece>;  // by stream offset

  void announce(std::uint64_t offset, std::uint64_t length, bool continues);
  void put_off(std::uint64_t offset, Piece piece);
  void finish(const event::SendFinished& finished);
  void cover(std::uint64_t offset, const Piece& piece);
  static Piece cut(const Piece& piece, std::uint64_t from, std::uint64_t length);

  event::ConnectionId connection_;
  bool sent_;
  event::ByteRange range_;
  Pieces covering_;  // inside the range, without overlaps
  std::uint64_t covered_ = 0;
  Pieces announced_;                              // inside the range, not yet accepted
  std::map<std::uint64_t, std::uint64_t> sends_;  // begin to end of announced sends
  std::optional<std::uint64_t> continuing_;       // begin of the send whose next part is to come
};

}  // namespace reprise::archive
