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
  const auto found = shifts_.find(context.exchange);
  return found == shifts_.end() ? nanoseconds{0} : found->second;
}

void Clock::given(const event::ClockRead& read) {
  const std::size_t clock = monotonic_index(read.source);
  if (clock < kMonotonicClocks) given_[clock] = std::max(given_[clock], read.value_ns);
}

}  // namespace reprise::replayer
