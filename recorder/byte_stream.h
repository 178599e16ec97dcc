// One direction of a connection put in order.
//
// Records of different threads (and of processes that share a connection) may come out of stream
// order by the little time between a system call and its record. Bytes that are ahead wait for what
// is missing; when that does not come, it is lost and the stream goes on behind the hole.
//
// Thread-compatible. Memory: what waits is bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "event/event.h"

namespace reprise::recorder {

class ByteStream {
 public:
  struct Part {
    std::uint64_t offset = 0;
    event::Stamp enter, exit;
    event::ProcessId process;
    event::Context context;
    event::Bytes bytes;
  };
  enum class Verdict {
    kNext,      // in order: take it, then pass() it
    kWaits,     // ahead; kept by wait()
    kConflict,  // overlaps what was there already
  };

  // Where the next byte belongs.
  std::uint64_t next() const { return next_; }
  Verdict judge(std::uint64_t offset) const {
    return offset == next_ ? Verdict::kNext : offset > next_ ? Verdict::kWaits : Verdict::kConflict;
  }
  void pass(std::uint64_t bytes) { next_ += bytes; }
  // Goes on at `offset`; what waits before it is dropped.
  void resume_at(std::uint64_t offset);

  // False when too much waits already: the hole will not be filled.
  [[nodiscard]] bool wait(Part part);
  bool has_waiting() const { return !waiting_.empty(); }
  // Losses of the session that were known when bytes last came in order. Behind a newer one nobody
  // waits: what is missing is what was lost.
  std::uint64_t losses_seen = 0;

  // The part that begins at next(), taken out.
  std::optional<Part> take_next();
  // Offset of the first part that waits.
  std::uint64_t first_waiting() const;
  event::Stamp waiting_since() const;

 private:
  static constexpr std::uint64_t kMostWaiting = 64 * 1024;

  std::uint64_t next_ = 0;
  std::uint64_t waiting_bytes_ = 0;
  std::vector<Part> waiting_;
};

// How far what was announced on a connection was accepted by the system. Bytes it did not take are
// announced again by a later send from the same offset.
struct Acceptance {
  std::uint64_t announced = 0;  // behind what is with the system, or on its way there
  std::uint64_t accepted = 0;
  std::uint32_t in_flight = 0;  // sends without a result
  event::Bytes refused;  // bytes from `accepted` on that were announced and not taken, if few

  // `first`: not a further part of a send that was announced already.
  void announce(std::uint64_t end, bool first);
  // `result` bytes of the send at `offset` were taken, or -1.
  void settle(std::uint64_t offset, std::int64_t result);
};

inline constexpr std::size_t kMostRefused = 64 * 1024;

}  // namespace reprise::recorder
