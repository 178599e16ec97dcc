// The replayed service as the replayer needs it: implemented by whoever launched it and collects
// its records. The replayer knows no recorder; the composition root joins the two.
//
// Threading: all calls come from the thread that runs Engine::run().
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "event/exchange.h"

namespace reprise::replayer {

class Service {
 public:
  virtual ~Service() = default;

  // The arena, mapped and live.
  virtual void* arena() = 0;

  // Collects every record that is committed by now. Before it returns, the engine's on_event() was
  // called for all of them.
  virtual void drain() = 0;

  // For whom the thread in that ThreadSlot works, after what was drained.
  virtual event::Context context_of(std::uint32_t thread_slot) = 0;

  // An exchange of this replay that is not long over, null otherwise; only `connection` and
  // `ordinal` are asked for.
  virtual const event::Exchange* exchange(event::ExchangeId id) = 0;
  // An open connection of this replay, null otherwise; only `socket` is asked for.
  virtual const event::Connection* connection(event::ConnectionId id) = 0;

  // Whether any process of the service is left.
  virtual bool alive() = 0;
  // How the root process ended; none while it lives.
  virtual std::optional<event::ProcessExited> exited() = 0;
  // Sends a signal to the root process, or when that has ended to what it left running.
  virtual void signal(int number) = 0;
};

}  // namespace reprise::replayer
