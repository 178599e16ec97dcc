// What the substitute world knows of each thread beyond agent/thread.h.
//
// One array, indexed by ThreadSlot, mapped at start-up. A fork copies it: the child's thread starts
// from what its maker left in its state.
//
// Threading: each state is its own thread's, and its creator's until it runs.
#pragma once

#include <array>
#include <cstdint>

#include "agent/thread.h"
#include "agent/world/substitute/cursor.h"

namespace reprise::agent {

inline constexpr std::int64_t kNoValue = INT64_MIN;

// How a thread came to be, for the question where it starts on the tape (abi::AskThread).
struct ThreadOrigin {
  std::uint32_t creator_entry = abi::kNone;
  std::uint32_t created_since = 0;
  bool creator_ready = false;
};

// Where a thread stood when it took work over.
struct OuterPlace {
  std::uint64_t token;  // of that work
  Cursor cursor;
};

struct ThreadState {
  Cursor cursor;
  OuterPlace outer[abi::kScopes];
  std::uint32_t scopes;  // of `outer` in use
  ThreadOrigin origin;
  bool prepared;  // its maker filled this in
  bool placed;    // that question was asked
  // When the last step of this thread that the tape has was recorded; kNoValue none.
  std::int64_t last_step_ns;
  std::uint32_t yields;  // since that step
  // Last value given of each clock since the exchange changed; kNoValue none.
  std::array<std::int64_t, 40> last_clock;
};

// Start-up only. False when the memory cannot be had.
[[nodiscard]] bool map_thread_states(std::uint32_t threads);

// Null for a thread without a slot, and before start-up. Does not ask anything.
[[nodiscard]] ThreadState* raw_state_of(const Thread& thread);

// The same, with the thread's first place on the tape asked for if that was not done yet.
[[nodiscard]] ThreadState* state_of(Thread& thread);

// What one more thread or child of `creator` will say of its origin; counts it.
[[nodiscard]] ThreadOrigin origin_of_next(ThreadState* creator);

// A new thread or child.
void prepare_state(ThreadState& created, const ThreadOrigin& origin);

// Asks where on the tape that origin leads, and goes there.
void place_by_origin(Thread& thread, ThreadState& state, const ThreadOrigin& origin);

// Moves the cursor; a change of exchange forgets the last values.
void move(ThreadState& state, const Place& place);

}  // namespace reprise::agent
