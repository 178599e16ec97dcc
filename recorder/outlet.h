// Where the collector's events leave it: to the sink, and to whoever watches.
//
// Fills in who and where. Positions grow within a thread even for what the recorder adds itself
// (gaps, the pieces of a file). Threading: the collector's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "event/event.h"
#include "recorder/participants.h"
#include "recorder/sink.h"

namespace reprise::recorder {

struct OutletCounts {
  std::uint64_t gaps = 0;
  std::uint64_t dropped = 0;  // records lost in them
};

class Outlet {
 public:
  explicit Outlet(Sink& sink) : sink_(sink) {}

  void add_observer(event::Observer& observer) { observers_.push_back(&observer); }

  // Of a record of `thread` at `position`.
  void emit(ThreadState& thread, std::uint64_t position, event::Event& event);
  // Something the recorder itself has to say, of `process` if it is known.
  void emit_own(event::ProcessId process, event::Stamp stamp, event::Fact fact);
  void gap(ThreadState& thread, std::uint64_t position, const event::Gap& gap);

  Sink& sink() { return sink_; }
  const OutletCounts& counts() const { return counts_; }
  event::Stamp latest() const { return latest_; }

 private:
  void send(const event::Event& event);

  Sink& sink_;
  std::vector<event::Observer*> observers_;
  OutletCounts counts_;
  std::uint64_t own_position_ = 0;
  event::Stamp latest_;
};

}  // namespace reprise::recorder
