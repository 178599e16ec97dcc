// The records of one thread of the service, read in place in the order in which it wrote them.
//
// A stream is a queue of segments; the thread fills the last and has sealed the others. It stops at
// the first record that is not committed yet. Everything read is checked first: a service that
// overwrites its own memory may damage the arena, and then bytes are counted as lost, nothing more.
//
// Ownership: borrows the arena. Threading: the drain's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "recorder/arena.h"
#include "recorder/record_view.h"

namespace reprise::recorder {

// What a stream could not give.
struct StreamLoss {
  std::uint64_t position = 0;
  std::uint64_t records = 0;  // as far as they can be counted
  std::uint64_t bytes = 0;
  const char* reason = "";
};

// A stamp later than `latest` by more than `slack` is damage, and taken for `latest`.
struct Believed {
  std::uint64_t latest = 0;
  std::uint64_t slack = 0;  // ticks
  std::uint64_t operator()(std::uint64_t stamp) const {
    return stamp > latest && stamp - latest > slack ? latest : stamp;
  }
};

class ThreadStream {
 public:
  struct Segment {
    std::uint32_t index = 0;
    const std::byte* bytes = nullptr;
    std::uint64_t base = 0;   // position of its first byte in the stream
    std::uint32_t read = 0;   // bytes handed on
    std::uint32_t limit = 0;  // bytes that hold records; kOpen while that is not known
    bool finished() const { return limit != kOpen && read >= limit; }
    // Where records may end, of a segment of `whole` bytes.
    std::uint32_t end(std::uint32_t whole) const { return limit == kOpen ? whole : limit; }
  };
  static constexpr std::uint32_t kOpen = ~std::uint32_t{0};

  // Begins anew, for the next thread of this slot. `first` is the position of its first record;
  // none when it is not known (a recovery), and then the stream begins where its segments do.
  void begin(std::optional<std::uint64_t> first);
  // What lies before the position `wanted` is taken for read: a recorder that was killed may have
  // begun to clear it.
  void add_segment(Arena& arena, std::uint32_t index, std::uint64_t base, std::uint64_t wanted);

  // Looks for the next committed record; false while there is none.
  [[nodiscard]] bool find(Arena& arena, const Believed& believed);
  // Of the record that was found: the stamp it is ordered by, never smaller than that of the record
  // before.
  std::uint64_t key() const { return key_; }
  // Passes the record that was found, whose key is not later than `limit`, and those behind it of
  // which that is true as well, up to about `most` bytes. Valid until the next call.
  [[nodiscard]] RecordRun take(Arena& arena, const Believed& believed, std::uint64_t limit,
                               std::uint64_t most);

  // The thread is gone: what is not committed never will be. What was reserved behind the last
  // whole record is reported by take_loss().
  void close(Arena& arena);
  bool closed() const { return closed_; }
  // Whether every segment was read to its end.
  bool exhausted() const { return front_ == segments_.size(); }
  bool has_loss() const { return loss_.has_value(); }
  std::optional<StreamLoss> take_loss();

  // In reading order. Whoever gives segments back removes them from the front.
  const std::vector<Segment>& segments() const { return segments_; }
  void remove_first(std::size_t count);
  // Where the next record will be.
  std::uint64_t next_position() const {
    return exhausted() ? expected_ : segments_[front_].base + segments_[front_].read;
  }

 private:
  static constexpr std::ptrdiff_t kAhead = 512;

  void find_limit(Arena& arena, Segment& segment);
  std::uint64_t key_of(RecordView& record, std::uint64_t ticks_per_second,
                       const Believed& believed) const;
  std::uint32_t take_whole(Segment& segment, std::uint32_t end, const Believed& believed,
                           std::uint64_t limit, std::uint64_t most, RecordRun& run);
  void take_brief(Segment& segment, std::uint32_t end, std::uint64_t ticks_per_second,
                  const Believed& believed, std::uint64_t limit);
  void add_loss(std::uint64_t position, std::uint64_t records, std::uint64_t bytes,
                const char* reason);

  std::vector<Segment> segments_;
  std::size_t front_ = 0;       // the one being read
  std::uint64_t expected_ = 0;  // position of the segment that must come next
  bool expects_ = false;
  bool closed_ = false;
  std::vector<std::uint32_t> others_;  // of the run that was taken last
  std::uint64_t key_ = 0;              // of the record that was found
  std::uint64_t last_key_ = 0;         // of the record before
  std::optional<StreamLoss> loss_;
};

}  // namespace reprise::recorder
