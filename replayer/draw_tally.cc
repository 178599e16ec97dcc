#include "replayer/draw_tally.h"

#include "event/draws.h"

namespace reprise::replayer {
namespace {

const char* clock_name(std::uint8_t source) {
  switch (static_cast<abi::ClockSource>(source)) {
    case abi::ClockSource::kRealtime:
      return "clock_gettime(CLOCK_REALTIME)";
    case abi::ClockSource::kMonotonic:
      return "clock_gettime(CLOCK_MONOTONIC)";
    case abi::ClockSource::kProcessCpu:
      return "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)";
    case abi::ClockSource::kThreadCpu:
      return "clock_gettime(CLOCK_THREAD_CPUTIME_ID)";
    case abi::ClockSource::kMonotonicRaw:
      return "clock_gettime(CLOCK_MONOTONIC_RAW)";
    case abi::ClockSource::kRealtimeCoarse:
      return "clock_gettime(CLOCK_REALTIME_COARSE)";
    case abi::ClockSource::kMonotonicCoarse:
      return "clock_gettime(CLOCK_MONOTONIC_COARSE)";
    case abi::ClockSource::kBoottime:
      return "clock_gettime(CLOCK_BOOTTIME)";
    case abi::ClockSource::kGettimeofday:
      return "gettimeofday";
    case abi::ClockSource::kTime:
      return "time";
    case abi::ClockSource::kTimespecGet:
      return "timespec_get";
    case abi::ClockSource::kFtime:
      return "ftime";
  }
  return "a clock";
}

const char* random_name(std::uint8_t source) {
  switch (static_cast<abi::RandomSource>(source)) {
    case abi::RandomSource::kGetrandom:
      return "getrandom";
    case abi::RandomSource::kGetentropy:
      return "getentropy";
    case abi::RandomSource::kArc4random:
      return "arc4random";
    case abi::RandomSource::kDevice:
      return "a random device";
    case abi::RandomSource::kRandomDevice:
      return "std::random_device";
    case abi::RandomSource::kOpenSsl:
      return "RAND_bytes";
  }
  return "a random source";
}

}  // namespace

std::string draw_name(DrawSource source) {
  return source.kind == abi::DrawKind::kClock ? clock_name(source.source)
                                              : random_name(source.source);
}

void DrawTally::on_event(const event::Event& event) {
  modules_.on_event(event);
  if (const auto* clock = std::get_if<event::ClockRead>(&event.fact)) {
    count(event, {abi::DrawKind::kClock, clock->source}, clock->caller);
  } else if (const auto* random = std::get_if<event::RandomDrawn>(&event.fact)) {
    count(event, {abi::DrawKind::kRandom, random->source}, random->caller);
  } else {
    idling_.add(event);
  }
}

void DrawTally::count(const event::Event& event, DrawSource source, std::uint64_t caller) {
  const bool nobodys = event.context.kind == event::Context::Kind::kUnattributed;
  if (nobodys) ++unattributed_;
  if (!nobodys && event.context.kind != event::Context::Kind::kExchange) return;
  const bool measures =
      source.kind == abi::DrawKind::kClock &&
      (event::is_monotonic(source.source) || event::is_processor_time(source.source));
  if (measures || modules_.key(event.process, caller) != 0) {
    if (!nobodys) ++incidental_;
    return;
  }
  if (idling_.is(event.thread)) return;
  ++(nobodys ? of_nobody_ : counts_[event.context.exchange])[source];
}

const DrawTally::Counts& DrawTally::of(event::ExchangeId exchange) const {
  static const Counts kNone;
  const auto found = counts_.find(exchange);
  return found == counts_.end() ? kNone : found->second;
}

}  // namespace reprise::replayer
