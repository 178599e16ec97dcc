// Clocks and random sources as the tape has them.
//
// Which draw is which is the cursor's business (cursor.h). Here is what is said where the tape
// ends, and what keeps the clocks of a process in order.

#include <errno.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "agent/original.h"
#include "agent/process.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/generator.h"
#include "agent/world/substitute/modules.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

using abi::ClockSource;
using world::Draw;

// Clocks that never step back, each with the highest value this process was given.
constexpr ClockSource kSteadyClocks[] = {ClockSource::kMonotonic, ClockSource::kMonotonicRaw,
                                         ClockSource::kMonotonicCoarse, ClockSource::kBoottime,
                                         ClockSource::kProcessCpu};
constinit std::atomic<std::int64_t> floors[std::size(kSteadyClocks)] = {
    kNoValue, kNoValue, kNoValue, kNoValue, kNoValue};

std::atomic<std::int64_t>* floor_of(ClockSource source) {
  for (std::size_t i = 0; i < std::size(kSteadyClocks); ++i) {
    if (kSteadyClocks[i] == source) return &floors[i];
  }
  return nullptr;
}

bool is_cpu_clock(ClockSource source) {
  return source == ClockSource::kProcessCpu || source == ClockSource::kThreadCpu;
}

std::int64_t keep_order(ClockSource source, std::int64_t value) {
  std::atomic<std::int64_t>* floor = floor_of(source);
  if (floor == nullptr) return value;
  std::int64_t seen = floor->load(std::memory_order_relaxed);
  while (seen < value && !floor->compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
  return std::max(seen, value);
}

// The session's own time by this clock. CPU clocks have none: they go on from what they said last.
std::int64_t clock_word(ClockSource source) {
  if (is_cpu_clock(source)) return 0;
  return is_monotonic(source) ? virtual_monotonic_ns() : virtual_realtime_ns();
}

// A thread that reads the clock in a loop until it has moved must not do so for ever: the word
// stands still while it runs, so each read without a move adds a step.
std::int64_t background_value(ClockSource source) {
  static constinit std::atomic<std::uint64_t> reads_since{~std::uint64_t{0}};
  const std::uint64_t moves = control().header().clock_moves.load(std::memory_order_acquire);
  std::uint64_t seen = reads_since.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    next = seen >> 32 == moves ? seen + 1 : moves << 32;
  } while (!reads_since.compare_exchange_weak(seen, next, std::memory_order_relaxed));
  const auto reads = static_cast<std::int64_t>(next & 0xffffffff);
  return clock_word(source) + reads * static_cast<std::int64_t>(control().header().clock_step_ns);
}

void count_one(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

// Off the tape: CPU clocks go on by steps, as if each read had cost one.
std::int64_t value_past_end(ThreadState& state, ClockSource source) {
  const std::int64_t last = state.last_clock[static_cast<std::size_t>(source)];
  const std::int64_t word = clock_word(source);
  if (last == kNoValue) return word;
  return std::max(last + static_cast<std::int64_t>(control().header().clock_step_ns), word);
}

std::int64_t clock_value(Draw& draw, ClockSource source) {
  abi::ControlHeader& header = control().header();
  draw.flags = abi::kSubstituted;
  control().count_hooked();
  ThreadState* state = time_runs() ? nullptr : state_of(*draw.thread);
  std::int64_t value = 0;
  if (state == nullptr || !state->cursor.on_tape()) {
    count_one(header.draws_background);
    value = is_cpu_clock(source) && state != nullptr ? value_past_end(*state, source)
                                                     : background_value(source);
  } else {
    const Found found = state->cursor.draw(
        control(),
        {abi::DrawKind::kClock, static_cast<std::uint8_t>(source), caller_module(draw.caller)});
    const bool exact = found.how == Found::How::kExact;
    count_one(exact ? header.draws_exact : header.draws_relaxed);
    if (!exact) draw.flags |= abi::kRelaxed;
    // Where everything happens when it was recorded, now is known, and the value that was recorded
    // next is still to come.
    if (found.draw == nullptr || (!exact && takes_turns())) {
      value = value_past_end(*state, source);
    } else {
      if (exact) take_step(*draw.thread, *state, *found.draw);
      value =
          found.draw->value + (is_monotonic(source) ? state->cursor.place().monotonic_shift_ns : 0);
    }
  }
  value = keep_order(source, value);
  if (state != nullptr) state->last_clock[static_cast<std::size_t>(source)] = value;
  return value;
}

// A thread's own clock and other processes' have ids that are made up; none is ever on the tape.
bool is_known(clockid_t clock) { return clock >= CLOCK_REALTIME && clock <= CLOCK_BOOTTIME; }

// Random bytes for an address that the tape does not have.
void generate(Draw& draw, const DrawAddress& address, const ThreadState* state,
              std::uint32_t ordinal, std::byte* bytes, std::size_t length) {
  const Place place = state != nullptr ? state->cursor.place() : Place{};
  Generator generator(control().header().draw_seed);
  generator.with(place.entry).with(static_cast<std::uint64_t>(place.part));
  generator.with(address.source).with(address.module).with(ordinal);
  // Threads and processes that are nowhere on the tape must not all draw the same.
  if (place.entry == abi::kNone) {
    generator.with(process().slot != nullptr ? process().slot->ordinal : 0);
    generator.with(process().index).with(draw.thread->ordinal);
  }
  generator.fill(bytes, length);
}

}  // namespace

namespace world {

int clock_gettime(Draw& draw, clockid_t clock, timespec* value) {
  if (draw.thread == nullptr || !control().attached() || !is_known(clock) || value == nullptr) {
    return static_cast<int>(with_errno(token_call(SYS_clock_gettime, clock, value)));
  }
  *value = to_timespec(clock_value(draw, static_cast<ClockSource>(clock)));
  return 0;
}

int gettimeofday(Draw& draw, timeval* value) {
  if (draw.thread == nullptr || !control().attached() || value == nullptr) {
    return static_cast<int>(with_errno(token_call(SYS_gettimeofday, value, nullptr)));
  }
  const timespec told = to_timespec(clock_value(draw, ClockSource::kGettimeofday));
  *value = {told.tv_sec, told.tv_nsec / 1000};
  return 0;
}

time_t time(Draw& draw) {
  if (draw.thread == nullptr || !control().attached()) {
    return static_cast<time_t>(token_call(SYS_time, nullptr));
  }
  return to_timespec(clock_value(draw, ClockSource::kTime)).tv_sec;
}

int timespec_get(Draw& draw, timespec* value, int base) {
  if (base != TIME_UTC) return 0;
  if (draw.thread == nullptr || !control().attached()) {
    return failed(token_call(SYS_clock_gettime, CLOCK_REALTIME, value)) ? 0 : base;
  }
  *value = to_timespec(clock_value(draw, ClockSource::kTimespecGet));
  return base;
}

ssize_t random(Draw& draw, abi::RandomSource source, std::byte* bytes, std::size_t length,
               RandomOriginal draw_original, void* context) {
  if (draw.thread == nullptr || !control().attached()) {
    return draw_original(context, bytes, length);
  }
  abi::ControlHeader& header = control().header();
  draw.flags = abi::kSubstituted;
  control().count_hooked();
  ThreadState* state = state_of(*draw.thread);
  const DrawAddress address = {abi::DrawKind::kRandom, static_cast<std::uint8_t>(source),
                               caller_module(draw.caller)};
  const Found found = state != nullptr ? state->cursor.draw(control(), address) : Found{};
  if (found.how == Found::How::kExact && found.draw->length == length) {
    count_one(header.draws_exact);
    take_step(*draw.thread, *state, *found.draw);
    std::memcpy(bytes, control().bytes() + found.draw->value, length);
    return static_cast<ssize_t>(length);
  }
  const bool background = state == nullptr || !state->cursor.on_tape();
  count_one(background ? header.draws_background : header.draws_relaxed);
  if (!background) draw.flags |= abi::kRelaxed;
  generate(draw, address, state, found.ordinal, bytes, length);
  return static_cast<ssize_t>(length);
}

}  // namespace world
}  // namespace reprise::agent
