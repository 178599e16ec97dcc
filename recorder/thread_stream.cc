#include "recorder/thread_stream.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace reprise::recorder {
namespace {

// Bytes of the shortest record.
constexpr std::uint32_t kLeast = sizeof(abi::Compact);

// What a record begins with; 0 while it is not committed.
std::uint32_t first_word(const std::byte* record) {
  const auto* header = reinterpret_cast<const abi::RecordHeader*>(record);
  return header->size.load(std::memory_order_acquire);
}

// What the record that begins with `word` names if it is a compact clock read, else length 0. Those
// are most of what some services write, and need no closer look.
abi::Earlier named_by_clock(std::uint32_t word, const std::byte* record) {
  if (abi::record_size(word) == word) return {};
  abi::Compact compact;
  std::memcpy(&compact, record, sizeof compact);
  return compact.type == abi::RecordType::kClock ? RecordView::named_by(compact) : abi::Earlier{};
}

bool has_stamp_elsewhere(const RecordView& record) {
  return record.is_compact() || (record.is_brief() && record.type() == abi::RecordType::kClock);
}

// Whether what the record at `offset` names is in its segment.
bool is_there(const abi::Earlier& named, std::uint32_t offset) {
  return named.length != 0 && named.back <= offset;
}
bool names_before(const RecordView& record, std::uint32_t offset) {
  return !record.is_brief() || is_there(record.earlier(), offset);
}

// Offset behind the last whole record from `offset` on.
std::uint32_t end_of_records(const std::byte* bytes, std::uint32_t offset, std::uint32_t end) {
  while (end - offset >= kLeast) {
    const std::uint32_t size = RecordView::size_of(first_word(bytes + offset), end - offset);
    if (size == 0) break;
    offset += size;
  }
  return offset;
}

}  // namespace

void ThreadStream::begin(std::optional<std::uint64_t> first) {
  segments_.clear();
  front_ = 0;
  expected_ = first.value_or(0);
  expects_ = first.has_value();
  closed_ = false;
  key_ = last_key_ = 0;
  loss_.reset();
}

void ThreadStream::add_segment(Arena& arena, std::uint32_t index, std::uint64_t base,
                               std::uint64_t wanted) {
  const std::uint64_t known = wanted > base ? std::min<std::uint64_t>(wanted - base, kOpen) : 0;
  const auto behind =
      std::find_if(segments_.begin() + static_cast<std::ptrdiff_t>(front_), segments_.end(),
                   [base](const Segment& segment) { return segment.base > base; });
  segments_.insert(behind,
                   {index, arena.bytes(index), base, static_cast<std::uint32_t>(known), kOpen});
}

void ThreadStream::find_limit(Arena& arena, Segment& segment) {
  if (segment.limit != kOpen) return;
  segment.read = std::min(segment.read, arena.geometry().segment_bytes);
  const std::uint32_t sealed = arena.segment(segment.index).sealed.load(std::memory_order_acquire);
  if (sealed == 0) return;
  segment.limit = std::min(sealed - 1, arena.geometry().segment_bytes);
  segment.read = std::min(segment.read, segment.limit);
}

// Whether a segment was sealed is asked where its records end: the agent writes to the line that
// says it with each of them.
bool ThreadStream::find(Arena& arena, const Believed& believed) {
  while (front_ < segments_.size()) {
    Segment& segment = segments_[front_];
    // An earlier segment may have been published while the headers were being looked through.
    if (!closed_ && expects_ && segment.base > expected_) return false;
    if (expects_ && segment.base > expected_) {
      add_loss(expected_, 1, segment.base - expected_, "a part of the arena was overwritten");
      expects_ = false;
    }
    const std::uint32_t whole = arena.geometry().segment_bytes;
    segment.read = std::min(segment.read, whole);
    const std::uint32_t room = segment.end(whole) - segment.read;
    const std::uint32_t word = room < kLeast ? 0 : first_word(segment.bytes + segment.read);
    const std::uint32_t size = RecordView::size_of(word, room);
    if (size != 0) {
      RecordView record(segment.bytes + segment.read, size);
      if (names_before(record, segment.read)) {
        key_ = key_of(record, arena.clock().ticks_per_second, believed);
        return true;
      }
      add_loss(segment.base + segment.read, 1, size, "records in the arena were overwritten");
      segment.read += size;
      continue;
    }
    const bool was_open = segment.limit == kOpen;
    find_limit(arena, segment);
    if (segment.finished()) {
      expected_ = segment.base + segment.limit;
      expects_ = true;
      ++front_;
      continue;
    }
    // Sealed since, and what was written before that is seen now.
    if (was_open && segment.limit != kOpen) continue;
    // A size of zero is a record in the making. Any other is damage, and so is a rest that no
    // record fits in; where records begin again cannot be known before the next segment.
    if (segment.limit == kOpen || (word == 0 && room >= kLeast)) return false;
    add_loss(segment.base + segment.read, 1, room, "records in the arena were overwritten");
    segment.read = segment.limit;
  }
  return false;
}

std::uint64_t ThreadStream::key_of(RecordView& record, std::uint64_t ticks_per_second,
                                   const Believed& believed) const {
  if (has_stamp_elsewhere(record)) record.resolve_in_place(ticks_per_second);
  return std::max(last_key_, believed(record.exit()));
}

RecordRun ThreadStream::take(Arena& arena, const Believed& believed, std::uint64_t limit,
                             std::uint64_t most) {
  Segment& segment = segments_[front_];
  RecordRun run;
  run.position = run.named_from = next_position();
  run.after = last_key_;
  const std::uint32_t begin = segment.read;
  others_.clear();
  const std::uint32_t behind =
      take_whole(segment, segment.end(arena.geometry().segment_bytes), believed, limit, most, run);
  take_brief(segment, behind, arena.clock().ticks_per_second, believed, limit);
  run.bytes = {segment.bytes + begin, segment.read - begin};
  while (!others_.empty() && others_.back() >= run.bytes.size()) others_.pop_back();
  run.others = others_;
  return run;
}

// A record that has no stamp of its own is due when one behind it is. Returns where the first
// begins that is not due, or cannot be read; those before it that no whole one follows are not yet
// passed.
std::uint32_t ThreadStream::take_whole(Segment& segment, std::uint32_t end,
                                       const Believed& believed, std::uint64_t limit,
                                       std::uint64_t most, RecordRun& run) {
  const std::uint32_t begin = segment.read;
  std::uint32_t at = begin;
  while (at - begin < most && end - at >= kLeast) {
    const std::uint32_t word = first_word(segment.bytes + at);
    if (const auto clock = named_by_clock(word, segment.bytes + at); is_there(clock, at)) {
      run.types |= type_bit(abi::RecordType::kClock);
      run.named_from = std::min(run.named_from, segment.base + at - clock.back);
      at += sizeof(abi::Compact);
      continue;
    }
    const std::uint32_t size = RecordView::size_of(word, end - at);
    if (size == 0) break;
    const RecordView record(segment.bytes + at, size);
    if (!names_before(record, at)) break;
    if (!has_stamp_elsewhere(record)) {
      const std::uint64_t key = std::max(last_key_, believed(record.exit()));
      if (key > limit) break;
      last_key_ = key;
      segment.read = at + size;
    }
    others_.push_back(at - begin);
    run.types |= type_bit(record.type());
    run.named_from = std::min(run.named_from, segment.base + at - record.earlier().back);
    at += size;
    // What the service wrote lies in the cache of another processor.
    __builtin_prefetch(segment.bytes + at + kAhead);
  }
  return at;
}

void ThreadStream::take_brief(Segment& segment, std::uint32_t end, std::uint64_t ticks_per_second,
                              const Believed& believed, std::uint64_t limit) {
  while (segment.read < end) {
    const std::uint32_t size =
        RecordView::size_of(first_word(segment.bytes + segment.read), end - segment.read);
    if (size == 0) return;
    RecordView record(segment.bytes + segment.read, size);
    if (!names_before(record, segment.read)) return;
    const std::uint64_t key = key_of(record, ticks_per_second, believed);
    if (key > limit) return;
    last_key_ = key;
    segment.read += size;
  }
}

void ThreadStream::close(Arena& arena) {
  closed_ = true;
  for (std::size_t i = front_; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    find_limit(arena, segment);
    const std::uint32_t whole = arena.geometry().segment_bytes;
    const std::uint32_t reserved =
        std::min(whole, arena.segment(segment.index).reserved.load(std::memory_order_acquire));
    const std::uint32_t written = segment.limit == kOpen ? reserved : segment.limit;
    const std::uint32_t end = end_of_records(arena.bytes(segment.index), segment.read,
                                             segment.limit == kOpen ? whole : segment.limit);
    if (written > end) {
      add_loss(segment.base + end, 1, written - end, "the thread ended while it recorded");
    }
    segment.limit = end;
  }
}

std::optional<StreamLoss> ThreadStream::take_loss() {
  std::optional<StreamLoss> loss;
  loss.swap(loss_);
  return loss;
}

void ThreadStream::add_loss(std::uint64_t position, std::uint64_t records, std::uint64_t bytes,
                            const char* reason) {
  if (!loss_) {
    loss_ = StreamLoss{position, records, bytes, reason};
    return;
  }
  loss_->records += records;
  loss_->bytes += bytes;
}

void ThreadStream::remove_first(std::size_t count) {
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  front_ -= count;
}

}  // namespace reprise::recorder
