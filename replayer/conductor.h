// What carries a replay out: the engine, which waits for the service to rest (engine.h), or in real
// time (live/live_replay.h).
//
// Threading: one thread; on_event is called back from inside Service::drain().
#pragma once

#include <tl/expected.hpp>

#include "event/event.h"
#include "replayer/error.h"
#include "replayer/ledger.h"
#include "replayer/service.h"

namespace reprise::replayer {

class Conductor : public event::Observer {
 public:
  // Replays everything that the plan selects, then ends the service as the recording ended.
  // `service` is running. An error is one of the environment or of usage; what the service does
  // otherwise than recorded is in the ledger.
  [[nodiscard]] virtual tl::expected<void, Error> run(Service& service) = 0;

  virtual const Ledger& ledger() const = 0;
};

}  // namespace reprise::replayer
