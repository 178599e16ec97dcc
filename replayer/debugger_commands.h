// What a debugger that holds the service may ask of its replay (control_channel.h).
//
//   situation {thread?}   where the replay stands, and why it cannot go on; for whom that thread (a
//                         tid) works
//   stop {at: N | "next" | "never"}   stop the service when that exchange arrives
//   divergences           what differed from the recording so far
//
// Ownership: borrows everything. Threading: one thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "replayer/control_channel.h"
#include "replayer/stage.h"
#include "replayer/threads.h"

namespace reprise::replayer {

class DebuggerCommands {
 public:
  // `stop_at`: the exchange to stop at first.
  DebuggerCommands(ControlChannel& channel, Stage& stage, const Threads& threads,
                   std::optional<event::ExchangeId> stop_at);

  void serve() { channel_.serve(); }
  // The debugger holds the service: nothing is to be released, and no patience runs out.
  bool holds() const;

  // The replay has come to its end before the recording has. `why` is for people.
  void cannot_go_on(std::string why) { stuck_ = std::move(why); }

  // A unit is about to be released: the exchange of it at whose arrival the service is to stop.
  std::optional<event::ExchangeId> stop_in(const Unit& unit);

 private:
  ControlChannel::Answer situation(const nlohmann::json& request);
  ControlChannel::Answer stop(const nlohmann::json& request);
  ControlChannel::Answer divergences() const;
  event::Context context_of(std::int32_t tid) const;
  nlohmann::json last_answer() const;

  ControlChannel& channel_;
  Stage& stage_;
  const Threads& threads_;
  std::optional<event::ExchangeId> stop_at_;
  bool stop_at_next_ = false;
  std::string stuck_;                // why it cannot go on; "" while it can
  event::ExchangeId last_released_;  // the highest number that was
};

}  // namespace reprise::replayer
