#include "replayer/turns.h"

#include <algorithm>

namespace reprise::replayer {

std::optional<Turns::Held> Turns::held_in(std::uint32_t slot) const {
  if (!threads_.is_live(slot)) return std::nullopt;
  const std::uint64_t word = threads_.thread(slot).activity.load(std::memory_order_acquire);
  if (static_cast<abi::Activity>(word & 0xff) != abi::Activity::kHeld) return std::nullopt;
  return Held{slot, {control_.gate(slot).step_ns.load(std::memory_order_acquire)}};
}

Moment Turns::earliest_step_but(std::uint32_t slot) const {
  Moment earliest = kNever;
  for (const std::uint32_t other : threads_.slots()) {
    const auto held = other == slot ? std::nullopt : held_in(other);
    if (held) earliest = std::min(earliest, held->step);
  }
  return earliest;
}

std::optional<Turns::Held> Turns::next() const {
  std::optional<Held> first;
  for (const std::uint32_t slot : threads_.slots()) {
    const auto held = held_in(slot);
    if (held && (!first || comes_before(*held, *first))) first = held;
  }
  return first;
}

// Slots say nothing of the order: processes that were forked one after the other take them as they
// come to run.
bool Turns::comes_before(const Held& one, const Held& other) const {
  if (one.step != other.step) return one.step < other.step;
  const bool expected = is_expected(one.slot);
  if (expected != is_expected(other.slot)) return expected;
  const abi::ThreadSlot& a = threads_.thread(one.slot);
  const abi::ThreadSlot& b = threads_.thread(other.slot);
  if (a.process == b.process) return a.ordinal < b.ordinal;
  return threads_.process_path(a.process) < threads_.process_path(b.process);
}

void Turns::give(const Held& held, Moment others) {
  control_.open_gate(held.slot, std::min(others, earliest_step_but(held.slot)).ns);
}

bool Turns::is_expected(std::uint32_t slot) const {
  const abi::ThreadSlot& thread = threads_.thread(slot);
  return std::ranges::any_of(expected_, [&](const RecordedThread& expected) {
    return expected.ordinal == thread.ordinal &&
           expected.process == threads_.process_path(thread.process);
  });
}

}  // namespace reprise::replayer
