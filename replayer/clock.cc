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
    const auto* shift = live_shift(context.exchange);
    return nanoseconds{shift == nullptr ? 0 : shift->load(std::memory_order_relaxed)};
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

void Clock::set_shift(event::ExchangeId exchange, nanoseconds shift) {
  if (auto* known = live_shift(exchange)) known->store(shift.count(), std::memory_order_relaxed);
}

std::atomic<std::int64_t>* Clock::live_shift(event::ExchangeId exchange) const {
  const RecordedExchange* recorded = plan_.exchange(exchange);
  if (recorded == nullptr) return nullptr;
  return &live_shifts_[static_cast<std::size_t>(recorded - plan_.exchanges.data())];
}

void Clock::given(const event::ClockRead& read) {
  const std::size_t clock = monotonic_index(read.source);
  if (clock < kMonotonicClocks) given_[clock] = std::max(given_[clock], read.value_ns);
}

}  // namespace reprise::replayer
