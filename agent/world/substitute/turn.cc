#include "agent/world/substitute/turn.h"

#include "agent/doorbell.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/mailbox.h"
#include "agent/world/substitute/thread_state.h"

namespace reprise::agent {
bool takes_turns() {
  return control().attached() &&
         control().header().one_at_a_time.load(std::memory_order_acquire) != 0;
}

bool take_turn(Thread* thread, std::int64_t step_ns) {
  if (thread == nullptr || thread->slot == nullptr || !takes_turns()) return false;
  abi::Gate* gate = control().gate(thread->index);
  if (gate == nullptr) return false;
  const std::uint32_t passes = gate->passes.load(std::memory_order_acquire);
  gate->step_ns.store(step_ns, std::memory_order_relaxed);
  thread->slot->deadline_ns.store(abi::kNoDeadline, std::memory_order_relaxed);
  publish_activity(*thread->slot, abi::Activity::kHeld);
  ring_doorbell();
  while (gate->passes.load(std::memory_order_acquire) == passes && takes_turns()) {
    if (!await_replayer(gate->passes, passes)) break;
  }
  publish_activity(*thread->slot, abi::Activity::kRunning);
  return true;
}

void take_turn_to(abi::DrawKind step, Thread& thread) {
  if (!takes_turns()) return;
  ThreadState* state = state_of(thread);
  if (state == nullptr || !state->cursor.on_tape()) return;
  const Found found = state->cursor.draw(control(), {step, 0, 0});
  if (found.draw != nullptr) take_step(thread, *state, *found.draw);
}

void yield_horizon() {
  if (takes_turns()) {
    control().header().horizon_ns.store(abi::kAwake, std::memory_order_relaxed);
  }
}

void take_step(Thread& thread, ThreadState& state, const abi::TapeDraw& step) {
  if (!takes_turns()) return;
  const std::int64_t horizon = control().header().horizon_ns.load(std::memory_order_relaxed);
  if (step.at_ns >= horizon) take_turn(&thread, step.at_ns);
  state.last_step_ns = step.at_ns;
  state.yields = 0;
}

}  // namespace reprise::agent
