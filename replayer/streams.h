// Both directions of every connection of a recording, by connection and offset.
//
// Fed with the events of an archive in its order, then finished; afterwards any range of a stream
// can be read, whatever reads and sends it was made of. Sent bytes are those the kernel accepted,
// or may have: a send whose result is missing was cut off by the end of its process.
//
// Ownership: owns the bytes (payload.h); file contents stay in the archive and are asked for.
// Threading: visit() and bytes() from any thread once finished; else one at a time.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "event/event.h"
#include "replayer/payload.h"

namespace reprise::replayer {

enum class Flow : std::uint8_t { kReceived, kSent };

// One direction of one connection.
struct StreamName {
  event::ConnectionId connection;
  Flow flow = Flow::kReceived;
  friend auto operator<=>(const StreamName&, const StreamName&) = default;
};

class Streams {
 public:
  // Gives a stored content of the archive by its number; none when it cannot be read.
  using ContentSource = std::function<std::optional<event::Bytes>(std::uint64_t number)>;

  explicit Streams(ContentSource contents) : contents_(std::move(contents)) {}

  // BytesReceived, SendIntended, SendFinished and FileRangeSent count; all else is ignored.
  void on_event(const event::Event& event);
  [[nodiscard]] tl::expected<void, Error> finish();

  // Calls `visit` with the bytes of `range` in order, piece by piece. False when some are missing:
  // what comes before the hole was visited.
  using Visit = std::function<void(std::span<const std::uint8_t>)>;
  bool visit(const StreamName& stream, event::ByteRange range, const Visit& visit) const;
  // The bytes of `range` where they lie together, for as long as this lives; none for those of
  // stored contents, or when some are missing.
  std::optional<std::span<const std::uint8_t>> in_one_piece(const StreamName& stream,
                                                            event::ByteRange range) const;
  // The bytes of `range`; fewer when some are missing.
  event::Bytes bytes(const StreamName& stream, event::ByteRange range) const;

 private:
  struct Piece {
    StreamName stream;
    std::uint64_t begin = 0, end = 0;  // in the stream
    std::uint64_t position = 0;        // in the payload, or in the content
    std::uint64_t content = 0;         // 1 + number, 0: in the payload
    bool missing = false;              // file range without content
  };

  std::vector<Piece>::const_iterator piece_at(const StreamName& stream, std::uint64_t offset) const;
  void append(const StreamName& stream, std::uint64_t offset, std::span<const std::uint8_t> bytes);
  void on_sent(const event::SendFinished& sent);
  std::span<const std::uint8_t> view(const Piece& piece, event::ByteRange part) const;

  ContentSource contents_;
  Payload payload_;
  std::vector<Piece> pieces_;  // sorted by stream and begin once finished
  // Sends without a result yet: index of the first piece of the latest one of each connection.
  std::unordered_map<event::ConnectionId, std::size_t> unfinished_;
  mutable std::mutex cache_mutex_;            // held while what is cached is visited
  mutable std::uint64_t cached_content_ = 0;  // 1 + number
  mutable event::Bytes cached_bytes_;
};

}  // namespace reprise::replayer
