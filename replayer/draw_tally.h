// How often the program's own code drew from each clock and random source, by exchange.
//
// One rule counts a recording and its replay, so that the two compare. What depends on the moment
// at which bytes arrive and threads get to run is *incidental*, and only its sum is kept: draws
// made inside libraries, and reads of clocks that measure (monotonic, and of processor time), by
// which loops and time-outs tell how long they waited. Draws of an idling thread (event/idling.h)
// are not counted at all.
// Fed with events in order. Thread-compatible.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "agent/abi/control.h"
#include "event/event.h"
#include "event/idling.h"
#include "replayer/module_keys.h"

namespace reprise::replayer {

struct DrawSource {
  abi::DrawKind kind = abi::DrawKind::kClock;
  std::uint8_t source = 0;  // abi::ClockSource or abi::RandomSource
  friend auto operator<=>(const DrawSource&, const DrawSource&) = default;
};
// "clock_gettime(CLOCK_REALTIME)", "getrandom".
[[nodiscard]] std::string draw_name(DrawSource source);

class DrawTally {
 public:
  using Counts = std::map<DrawSource, std::uint64_t>;

  void on_event(const event::Event& event);

  // Of one exchange; ids are those of the archive that was fed.
  const Counts& of(event::ExchangeId exchange) const;
  void forget(event::ExchangeId exchange) { counts_.erase(exchange); }
  // Of all exchanges.
  std::uint64_t incidental() const { return incidental_; }
  // Of nobody in particular: all of them, and those that are not incidental.
  std::uint64_t unattributed() const { return unattributed_; }
  const Counts& of_nobody() const { return of_nobody_; }

 private:
  void count(const event::Event& event, DrawSource source, std::uint64_t caller);

  ModuleKeys modules_;
  event::Idling idling_;
  std::unordered_map<event::ExchangeId, Counts> counts_;
  Counts of_nobody_;
  std::uint64_t incidental_ = 0, unattributed_ = 0;
};

}  // namespace reprise::replayer
