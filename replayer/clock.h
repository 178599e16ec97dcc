// The session's virtual clock, and by how much each exchange's monotonic time is raised.
//
// Time stands still while the service works. It moves when something is released, to the moment at
// which the recording had it, and when everything waits, to the next time-out. It never turns back;
// where a schedule replays exchanges in another order than they overlapped in, the monotonic clocks
// of the later one are raised by a shift that keeps all differences inside it. The wall clock is
// told as it was recorded, and so may step back between exchanges.
//
// In a replay in real time (live/) it passes by itself instead, with the exchanges' monotonic
// clocks shifted to where it is when their requests go out.
//
// Ownership: borrows the control file. Threading: one thread; set_shift() from another one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "replayer/control.h"
#include "replayer/moment.h"
#include "replayer/plan.h"

namespace reprise::replayer {

class Clock {
 public:
  // Starts at the moment the recording did. `as_recorded`: everything happens at its recorded
  // moment (Schedule::is_as_recorded()), so that nothing is ever raised.
  Clock(Control& control, const Plan& plan, bool as_recorded);

  Moment now() const { return now_; }

  // Something recorded at `recorded` in `context` is about to be released. `limit`: the earliest
  // deadline of the service's threads; releasing input fires no time-out, so time stops short of
  // it.
  void release(Moment recorded, const event::Context& context, Moment limit);
  // Everything waits: goes to `deadline` and wakes who waits for it.
  void fire(Moment deadline);

  // Settles the shift of an exchange, before its first input is released.
  void begin(event::ExchangeId exchange, Moment first_input);
  // Added to the monotonic values of that context; 0 outside of exchanges.
  nanoseconds shift(const event::Context& context) const;
  void end(event::ExchangeId exchange) { shifts_.erase(exchange); }

  // The service was told this value.
  void given(const event::ClockRead& read);

  // --- Where time passes by itself ---
  // From here on nothing but pass_to() moves the clock.
  void let_pass();
  // Moves it on, never back. Who waits for a deadline in between is not woken.
  void pass_to(Moment now);
  // Of the exchange that is sent next, which may be sent many times.
  void set_shift(const RecordedExchange& exchange, nanoseconds shift);

  // Exchanges whose monotonic time was raised, and the greatest shift.
  std::uint64_t raised() const { return raised_; }
  nanoseconds greatest_shift() const { return greatest_; }

 private:
  void publish();
  std::atomic<std::int64_t>& live_shift(const RecordedExchange& exchange) const;

  Control& control_;
  const Plan& plan_;
  const bool as_recorded_;
  Moment now_;
  nanoseconds realtime_offset_;
  MonotonicValues given_ = kNoValues;  // greatest so far
  std::unordered_map<event::ExchangeId, nanoseconds> shifts_;
  std::unique_ptr<std::atomic<std::int64_t>[]>
      live_shifts_;  // of Plan::exchanges; null: time stands
  std::uint64_t raised_ = 0;
  nanoseconds greatest_{0};
};

}  // namespace reprise::replayer
