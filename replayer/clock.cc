#include "replayer/clock.h"

#include <algorithm>

namespace reprise::replayer {

Clock::Clock(Control& control, const Plan& plan, bool as_recorded)
    : control_(control),
      plan_(plan),
      as_recorded_(as_recorded),
      now_(plan.began),
      realtime_offset_(plan.timeline->realtime_offset()) {
  publish();
}

void Clock::publish() { control_.set_clock(now_.ns, now_.ns + realtime_offset_.count()); }

void Clock::release(Moment recorded, const event::Context& context, Moment limit) {
  if (live_shifts_ != nullptr) return;
  const Moment told = recorded + shift(context);
  const Moment before_limit{limit.ns - 1};
  now_ = std::max(now_, std::min(told, before_limit));
  // The wall clock reads as it did then, however far the monotonic one has got.
  realtime_offset_ = plan_.timeline->realtime_offset() - std::max(nanoseconds{0}, now_ - recorded);
  publish();
}

void Clock::fire(Moment deadline) {
  now_ = std::max(now_, deadline);
  publish();
  control_.wake_sleepers();
}

void Clock::begin(event::ExchangeId exchange, Moment first_input) {
  if (as_recorded_) return;
  nanoseconds shift = std::max(nanoseconds{0}, now_ - first_input);
  if (const auto first = plan_.tape.first_values.find(exchange);
      first != plan_.tape.first_values.end()) {
    for (std::size_t clock = 0; clock < kMonotonicClocks; ++clock) {
      const std::int64_t value = first->second[clock];
      if (value == kNoValue || given_[clock] == kNoValue) continue;
      shift = std::max(shift, nanoseconds{given_[clock] - value});
    }
  }
  shifts_[exchange] = shift;
  if (shift > nanoseconds{0}) ++raised_;
  greatest_ = std::max(greatest_, shift);
}

nanoseconds Clock::shift(const event::Context& context) const {
  if (live_shifts_ != nullptr) {
    const RecordedExchange* exchange = plan_.exchange(context.exchange);
    if (exchange == nullptr) return nanoseconds{0};
    return nanoseconds{live_shift(*exchange).load(std::memory_order_relaxed)};
  }
  const auto found = shifts_.find(context.exchange);
  return found == shifts_.end() ? nanoseconds{0} : found->second;
}

void Clock::let_pass() {
  live_shifts_ = std::make_unique<std::atomic<std::int64_t>[]>(plan_.exchanges.size());
}

void Clock::pass_to(Moment now) {
  now_ = std::max(now_, now);
  publish();
}

void Clock::set_shift(const RecordedExchange& exchange, nanoseconds shift) {
  live_shift(exchange).store(shift.count(), std::memory_order_relaxed);
}

std::atomic<std::int64_t>& Clock::live_shift(const RecordedExchange& exchange) const {
  return live_shifts_[static_cast<std::size_t>(&exchange - plan_.exchanges.data())];
}

void Clock::given(const event::ClockRead& read) {
  const std::size_t clock = monotonic_index(read.source);
  if (clock < kMonotonicClocks) given_[clock] = std::max(given_[clock], read.value_ns);
}

}  // namespace reprise::replayer
