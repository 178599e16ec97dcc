// Whose turn it is: under ControlHeader::one_at_a_time one thread of the service runs at a time.
//
// A thread runs until it waits, or comes to a step that the tape has the moment of; there it waits
// at its gate (agent/abi/control.h) until the replayer opens it. A thread whose wait is over waits
// at its gate, too, before it looks at what it waited for: who is woken together with others takes
// its turn among them.
//
// Threading: any thread; a signal handler may wait at the gate again in the middle of a wait there.
#pragma once

#include <cstdint>

#include "agent/abi/control.h"
#include "agent/thread.h"
#include "agent/world/substitute/thread_state.h"

namespace reprise::agent {

// Whether threads run one at a time.
[[nodiscard]] bool takes_turns();

// Waits until it is the turn of `thread`. `step_ns`: when what it does next was recorded, or
// abi::kAwake. False, at once, when all run as they like; then nothing changed since the caller
// looked last.
bool take_turn(Thread* thread, std::int64_t step_ns);

// The same before a step of `thread` that the tape has.
void take_step(Thread& thread, ThreadState& state, const abi::TapeDraw& step);

// What the thread does now may let something else happen: it takes no step before that was seen to.
void yield_horizon();

// The same before the next step of that kind, kSend or later, if it was recorded.
void take_turn_to(abi::DrawKind step, Thread& thread);

}  // namespace reprise::agent
