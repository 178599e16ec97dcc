#include "recorder/drain.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace reprise::recorder {
namespace {

constexpr std::uint64_t kBelievableFutureNs = 10'000'000'000;
// ThreadSlots looked at in one sweep: each is a cache line of somebody else's.
constexpr std::uint32_t kLookAtOnce = 256;

bool is_ended(const abi::ThreadSlot& slot) {
  return slot.claim.load(std::memory_order_acquire) == abi::ThreadClaim::kEnded;
}

}  // namespace

Drain::Drain(Arena& arena, ProcessWatch& watch, RecordConsumer& consumer, Mode mode)
    : arena_(arena),
      watch_(watch),
      consumer_(consumer),
      mode_(mode),
      slack_(arena.clock().ticks(kBelievableFutureNs)),
      slots_(arena.geometry().thread_count),
      adopted_(arena.geometry().segment_count),
      told_processes_(arena.geometry().process_count) {}

void Drain::beat() {
  arena_.header().heartbeat_ns.store(monotonic_now_ns(), std::memory_order_relaxed);
}

double Drain::fill() const {
  std::uint64_t free = 0;
  for (const auto& word : arena_.header().free_map) {
    free += static_cast<std::uint64_t>(std::popcount(word.load(std::memory_order_relaxed)));
  }
  const std::uint64_t all = arena_.geometry().segment_count;
  return free >= all ? 0.0 : static_cast<double>(all - free) / static_cast<double>(all);
}

std::uint64_t Drain::pass(std::uint64_t most) { return pass_until(arena_.clock().now(), most); }

std::uint64_t Drain::pass_until(std::uint64_t until, std::uint64_t most) {
  passed_ = 0;
  most_ = most;
  note_ends();
  discover();
  merge(until);
  for (const std::uint32_t index : active_) {
    Slot& slot = slots_[index];
    if (slot.ending && !slot.gone) end_thread(slot);
  }
  tell_processes();
  unsettled_ += passed_;
  return passed_;
}

// Ends are noted before segments are looked for: what a thread wrote before it ended is then seen
// in the same pass.
void Drain::note_ends() {
  for (const std::uint32_t index : active_) {
    Slot& slot = slots_[index];
    if (slot.ending) continue;
    slot.ending =
        finishing_ || is_ended(arena_.thread(index)) || watch_.is_gone(slot.identity.process.slot);
  }
}

void Drain::discover() {
  const std::uint32_t count = arena_.geometry().segment_count;
  for (std::uint32_t first = 0; first < count; first += 64) {
    const std::uint64_t free = arena_.header().free_map[first / 64].load(std::memory_order_acquire);
    const std::uint32_t here = std::min(count - first, 64u);
    const std::uint64_t existing = here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
    for (std::uint64_t taken = ~free & existing; taken != 0; taken &= taken - 1) {
      const std::uint32_t segment = first + static_cast<std::uint32_t>(std::countr_zero(taken));
      if (!adopted_[segment]) adopt(segment);
    }
  }
}

void Drain::adopt(std::uint32_t segment) {
  const abi::SegmentHeader& header = arena_.segment(segment);
  if (header.published.load(std::memory_order_acquire) != 1) return;
  const std::uint32_t thread = header.thread;
  if (thread >= slots_.size()) return;  // overwritten; there is nobody to ask
  Slot& slot = slots_[thread];
  if (slot.gone) return;  // the next thread of that slot: after settle()
  if (!slot.active) announce(thread);
  adopted_[segment] = true;
  slot.stream.add_segment(arena_, segment, header.base_position, slot.wanted);
}

void Drain::announce(std::uint32_t index) {
  Slot& slot = slots_[index];
  const abi::ThreadSlot& entry = arena_.thread(index);
  slot = Slot{};
  slot.active = true;
  slot.identity = {index, entry.ordinal, entry.creator, entry.tid, watch_.identity(entry.process)};
  slot.wanted = consumer_.on_thread(slot.identity);
  slot.stream.begin(mode_ == Mode::kRecord ? std::optional<std::uint64_t>(0) : std::nullopt);
  active_.push_back(index);
}

void Drain::merge(std::uint64_t until) {
  const auto later = [](const Next& a, const Next& b) { return a.key > b.key; };
  const Believed believed{until, slack_};
  heap_.clear();
  for (const std::uint32_t index : active_) {
    Slot& slot = slots_[index];
    if (slot.gone) continue;
    if (slot.stream.find(arena_, believed) && slot.stream.key() <= until) {
      heap_.push_back({slot.stream.key(), index});
    }
    tell_loss(slot);
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  while (!heap_.empty() && passed_ < most_) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::uint32_t index = heap_.back().slot;
    heap_.pop_back();
    // On as long as no other thread is due.
    const std::uint64_t limit = heap_.empty() ? until : std::min(until, heap_.front().key);
    const auto next = run(index, limit, believed);
    if (!next || *next > until) continue;
    heap_.push_back({*next, index});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
}

// Hands on the records of one thread up to `limit`. Returns the key of the next, if there is one.
std::optional<std::uint64_t> Drain::run(std::uint32_t index, std::uint64_t limit,
                                        const Believed& believed) {
  Slot& slot = slots_[index];
  slot.touched = true;
  while (slot.stream.find(arena_, believed)) {
    tell_loss(slot);
    if (slot.stream.key() > limit || passed_ >= most_) return slot.stream.key();
    hand_on(slot, slot.stream.take(arena_, believed, limit, most_ - passed_));
  }
  tell_loss(slot);
  return std::nullopt;
}

void Drain::hand_on(Slot& slot, const RecordRun& records) {
  RecordRun run = records;
  run.slot = slot.identity.slot;
  passed_ += run.bytes.size();
  if ((run.types & type_bit(abi::RecordType::kGap)) != 0) count_told(slot, run);
  consumer_.on_run(run);
}

void Drain::tell_loss(Slot& slot) {
  const auto loss = slot.stream.take_loss();
  if (loss && loss->position >= slot.wanted) consumer_.on_loss(slot.identity.slot, *loss);
}

void Drain::count_told(Slot& slot, const RecordRun& run) {
  each_record_in(run.bytes, [&slot](std::size_t, const RecordView& record) {
    abi::Gap gap;
    if (record.type() != abi::RecordType::kGap || !record.read(gap)) return;
    slot.told_dropped += gap.records;
    slot.told_bytes += gap.bytes;
  });
}

void Drain::end_thread(Slot& slot) {
  constexpr Believed kEver{~std::uint64_t{0}, 0};
  const std::uint32_t index = slot.identity.slot;
  // Records later than the pass's stamp are left; the next pass has them.
  if (slot.stream.find(arena_, kEver)) return;
  slot.stream.close(arena_);
  slot.touched = true;
  if (slot.stream.find(arena_, kEver)) return;
  tell_loss(slot);
  const abi::ThreadSlot& entry = arena_.thread(index);
  const std::uint64_t dropped = entry.dropped_records.load(std::memory_order_acquire);
  if (dropped > slot.told_dropped) {
    const std::uint64_t bytes = entry.dropped_bytes.load(std::memory_order_acquire);
    consumer_.on_loss(
        index, {slot.stream.next_position(), dropped - slot.told_dropped,
                bytes > slot.told_bytes ? bytes - slot.told_bytes : 0, "the arena was full"});
  }
  consumer_.on_thread_gone(index);
  slot.gone = true;
}

void Drain::settle() {
  unsettled_ = 0;
  for (std::size_t i = 0; i < active_.size();) {
    const std::uint32_t index = active_[i];
    Slot& slot = slots_[index];
    if (slot.touched || slot.gone) settle_thread(slot);
    if (slot.gone && slot.stream.segments().empty()) {
      free_thread(index);
      active_[i] = active_.back();
      active_.pop_back();
      continue;
    }
    ++i;
  }
  release_processes();
}

void Drain::settle_thread(Slot& slot) {
  if (mode_ != Mode::kRecord) return;
  slot.touched = false;
  std::size_t passed = 0;
  for (const ThreadStream::Segment& segment : slot.stream.segments()) {
    if (!segment.finished()) break;
    give_back(segment, slot.stream.closed());
    ++passed;
  }
  slot.stream.remove_first(passed);
}

// `whole`: bytes behind the last record may be in use too (a record that was never committed).
void Drain::give_back(const ThreadStream::Segment& segment, bool whole) {
  std::memset(arena_.bytes(segment.index), 0,
              whole ? arena_.geometry().segment_bytes : segment.limit);
  abi::SegmentHeader& header = arena_.segment(segment.index);
  header.thread = abi::kNone;
  header.process = abi::kNone;
  header.base_position = 0;
  header.reserved.store(0, std::memory_order_relaxed);
  header.sealed.store(0, std::memory_order_relaxed);
  header.published.store(0, std::memory_order_relaxed);
  adopted_[segment.index] = false;
  arena_.header().free_map[segment.index / 64].fetch_or(std::uint64_t{1} << (segment.index % 64),
                                                        std::memory_order_release);
  arena_.header().segments_freed.fetch_add(1, std::memory_order_release);
  if ((arena_.flags() & abi::kLossless) == 0) return;
  ::syscall(SYS_futex, &arena_.header().segments_freed, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Drain::free_thread(std::uint32_t index) {
  slots_[index] = Slot{};
  if (mode_ != Mode::kRecord) return;
  abi::ThreadSlot& entry = arena_.thread(index);
  entry.process = abi::kNone;
  entry.segment.store(abi::kNone, std::memory_order_relaxed);
  entry.stream_position = 0;
  entry.activity.store(0, std::memory_order_relaxed);
  entry.deadline_ns.store(abi::kNoDeadline, std::memory_order_relaxed);
  entry.wait_object.store(0, std::memory_order_relaxed);
  entry.dropped_records.store(0, std::memory_order_relaxed);
  entry.dropped_bytes.store(0, std::memory_order_relaxed);
  entry.claim.store(abi::ThreadClaim::kFree, std::memory_order_release);
}

void Drain::sweep() {
  watch_.sweep();
  for (const std::uint32_t index : active_) {
    Slot& slot = slots_[index];
    const std::uint64_t position = slot.stream.next_position();
    const bool idle = position == slot.swept_position;
    slot.swept_position = position;
    if (!idle || slot.ending) continue;
    slot.ending = watch_.thread_is_gone(slot.identity.process.slot, slot.identity.tid);
  }
  look_at_slots(kLookAtOnce);
}

// A thread without a single record is found here, and announced when it is over: it may have losses
// to tell, and its slot is to be given back.
void Drain::look_at_slots(std::uint32_t count) {
  for (std::uint32_t looked = 0; looked < count; ++looked) {
    const std::uint32_t index = next_look_++ % static_cast<std::uint32_t>(slots_.size());
    const abi::ThreadSlot& entry = arena_.thread(index);
    const auto claim = entry.claim.load(std::memory_order_acquire);
    if (claim == abi::ThreadClaim::kFree || slots_[index].active) continue;
    if (claim == abi::ThreadClaim::kEnded || watch_.is_gone(entry.process)) announce(index);
  }
}

bool Drain::has_threads(std::uint32_t process, bool gone_too) const {
  return std::any_of(active_.begin(), active_.end(), [&](std::uint32_t index) {
    const Slot& slot = slots_[index];
    return slot.identity.process.slot == process && (gone_too || !slot.gone);
  });
}

void Drain::tell_processes() {
  for (const std::uint32_t process : watch_.gone_slots()) {
    if (told_processes_[process] || has_threads(process, false)) continue;
    told_processes_[process] = true;
    consumer_.on_process_gone(process);
  }
}

void Drain::release_processes() {
  if (mode_ != Mode::kRecord || watch_.gone_slots().empty()) return;
  const std::vector<std::uint32_t> gone = watch_.gone_slots();
  for (const std::uint32_t process : gone) {
    if (!told_processes_[process] || has_threads(process, true)) continue;
    if (watch_.release(process)) told_processes_[process] = false;
  }
}

void Drain::finish(bool gone) {
  if (gone) watch_.everybody_is_gone();
  finishing_ = true;
  sweep();
  look_at_slots(static_cast<std::uint32_t>(slots_.size()));
  const auto is_left = [this](std::uint32_t index) { return !slots_[index].gone; };
  do {
    pass_until(~std::uint64_t{0}, kEverything);
  } while (passed_ != 0 || std::any_of(active_.begin(), active_.end(), is_left));
  tell_uncounted();
}

void Drain::tell_uncounted() {
  const std::uint64_t records = arena_.header().unslotted_records.load(std::memory_order_acquire);
  if (records != 0) {
    consumer_.on_loss(abi::kNone,
                      {0, records, 0, "more threads at once than the arena has slots for"});
  }
  const std::uint64_t processes =
      arena_.header().unslotted_processes.load(std::memory_order_acquire);
  if (processes != 0) {
    consumer_.on_loss(abi::kNone, {0, processes, 0,
                                   "more processes at once than the arena has slots for; what they "
                                   "did is not recorded"});
  }
}

}  // namespace reprise::recorder
