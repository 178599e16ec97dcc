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
    if (!held) continue;
    const bool favoured = first && held->step == first->step && held->step == kAwake &&
                          is_expected(slot) && !is_expected(first->slot);
    if (!first || held->step < first->step || favoured) first = held;
  }
  return first;
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
