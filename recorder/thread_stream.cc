#include "recorder/thread_stream.h"

#include <algorithm>
#include <atomic>

namespace reprise::recorder {
namespace {

constexpr std::uint32_t kHeader = sizeof(abi::RecordHeader);

std::uint32_t committed_size(const std::byte* record) {
  const auto* header = reinterpret_cast<const abi::RecordHeader*>(record);
  return header->size.load(std::memory_order_acquire);
}

bool is_possible(std::uint32_t size, std::uint32_t room) {
  return size >= kHeader && size % 8 == 0 && size <= room;
}

// Offset behind the last whole record from `offset` on.
std::uint32_t end_of_records(const std::byte* bytes, std::uint32_t offset, std::uint32_t end) {
  while (end - offset >= kHeader) {
    const std::uint32_t size = committed_size(bytes + offset);
    if (!is_possible(size, end - offset)) break;
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
const RecordView& ThreadStream::peek(Arena& arena, std::uint64_t latest, std::uint64_t slack) {
  while (front_ < segments_.size()) {
    Segment& segment = segments_[front_];
    // An earlier segment may have been published while the headers were being looked through.
    if (!closed_ && expects_ && segment.base > expected_) return none();
    if (expects_ && segment.base > expected_) {
      add_loss(expected_, 1, segment.base - expected_, "a part of the arena was overwritten");
      expects_ = false;
    }
    const std::uint32_t whole = arena.geometry().segment_bytes;
    segment.read = std::min(segment.read, whole);
    std::uint32_t room = (segment.limit == kOpen ? whole : segment.limit) - segment.read;
    std::uint32_t size = room < kHeader ? 0 : committed_size(segment.bytes + segment.read);
    if (is_possible(size, room)) {
      if (read_record(arena, segment, size, latest, slack)) return record_;
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
    if (segment.limit == kOpen || (size == 0 && room >= kHeader)) return none();
    add_loss(segment.base + segment.read, 1, room, "records in the arena were overwritten");
    segment.read = segment.limit;
  }
  return none();
}

// False when the record says nothing: then it is passed.
bool ThreadStream::read_record(Arena& arena, Segment& segment, std::uint32_t size,
                               std::uint64_t latest, std::uint64_t slack) {
  record_ = RecordView(segment.bytes + segment.read, size);
  if (record_.is_brief() && !find_named(arena, segment)) {
    add_loss(segment.base + segment.read, 1, size, "records in the arena were overwritten");
    segment.read += size;
    return false;
  }
  const std::uint64_t stamp = record_.exit();
  key_ = std::max(last_key_, stamp - latest > slack && stamp > latest ? latest : stamp);
  return true;
}

// What the brief record that is next in the segment names.
bool ThreadStream::find_named(Arena& arena, const Segment& segment) {
  const abi::Earlier& earlier = record_.earlier();
  if (earlier.length == 0 || earlier.back > segment.read) return false;
  record_.resolve_in_place(arena.clock().ticks_per_second);
  record_.not_before(last_key_);
  return true;
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
