#include "replayer/turns.h"

#include <algorithm>

namespace reprise::replayer {

std::optional<Turns::Held> Turns::held_in(std::uint32_t slot) const {
  if (!threads_.is_live(slot)) return std::nullopt;
  if (activity_of(threads_.activity_word(slot)) != abi::Activity::kHeld) return std::nullopt;
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
  if (!control_.takes_turns()) return std::nullopt;
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

void Turns::expect(event::ThreadId recorded) {
  const auto known = plan_.threads.find(recorded);
  if (known != plan_.threads.end()) expected_.push_back(known->second);
}

bool Turns::is(std::uint32_t slot, const RecordedThread& thread) const {
  return threads_.thread(slot).ordinal == thread.ordinal && threads_.named(slot) == thread;
}

bool Turns::is_expected(std::uint32_t slot) const {
  return std::ranges::any_of(expected_, [&](const auto& thread) { return is(slot, thread); });
}

std::optional<Turns::Held> Turns::held_by(event::ThreadId recorded) const {
  if (!control_.takes_turns()) return std::nullopt;
  const auto known = plan_.threads.find(recorded);
  if (known == plan_.threads.end()) return std::nullopt;
  for (const std::uint32_t slot : threads_.slots()) {
    const auto held = held_in(slot);
    if (held && is(slot, known->second)) return held;
  }
  return std::nullopt;
}

}  // namespace reprise::replayer
