#include "replayer/turns.h"

#include <algorithm>
#include <utility>

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

void Turns::expect(std::string process, std::uint32_t thread) {
  process_ = std::move(process);
  thread_ = thread;
}

bool Turns::is_expected(std::uint32_t slot) const {
  const abi::ThreadSlot& thread = threads_.thread(slot);
  return thread_ == thread.ordinal && threads_.process_path(thread.process) == process_;
}

}  // namespace reprise::replayer
