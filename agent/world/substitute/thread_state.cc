#include "agent/world/substitute/thread_state.h"

#include <sys/mman.h>

#include "agent/process.h"
#include "agent/system_call.h"
#include "agent/world/substitute/mailbox.h"

namespace reprise::agent {
namespace {

constinit ThreadState* states = nullptr;
constinit std::uint32_t state_count = 0;

}  // namespace

void place_by_origin(Thread& thread, ThreadState& state, const ThreadOrigin& origin) {
  const abi::AskThread question = {process().index,
                                   thread.ordinal,
                                   origin.creator_entry,
                                   origin.created_since,
                                   origin.creator_ready ? 1u : 0u,
                                   0};
  abi::AnswerThread answer = {};
  if (!ask(thread, abi::Ask::kThread, question, answer)) return;
  move(state, {answer.entry, Part::kIo, answer.monotonic_shift_ns, answer.exchange});
}

bool map_thread_states(std::uint32_t threads) {
  const long mapped =
      system_call(SYS_mmap, 0, static_cast<long>(threads * sizeof(ThreadState)),
                  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(mapped)) return false;
  states = reinterpret_cast<ThreadState*>(mapped);
  state_count = threads;
  return true;
}

ThreadState* raw_state_of(const Thread& thread) {
  return thread.index < state_count ? &states[thread.index] : nullptr;
}

ThreadState* state_of(Thread& thread) {
  ThreadState* state = raw_state_of(thread);
  if (state == nullptr || state->placed) return state;
  state->placed = true;
  place_by_origin(thread, *state, state->origin);
  return state;
}

ThreadOrigin origin_of_next(ThreadState* creator) {
  if (creator == nullptr) return {};
  const Place& place = creator->cursor.place();
  return {place.entry, creator->cursor.count_thread(), place.part == Part::kReady};
}

void prepare_state(ThreadState& created, const ThreadOrigin& origin) {
  created = ThreadState{};
  created.prepared = true;
  created.origin = origin;
  created.last_step_ns = kNoValue;
  created.last_clock.fill(kNoValue);
}

void move(ThreadState& state, const Place& place) {
  if (place.exchange != state.cursor.place().exchange) state.last_clock.fill(kNoValue);
  state.cursor.move(place);
}

}  // namespace reprise::agent
