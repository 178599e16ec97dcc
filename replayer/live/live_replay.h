// Replays a recording against a running service in real time: `timed` and `load`.
//
//   plan ─▶ courses ─▶ crowd ───▶ service ────▶ responder
//                    (a thread)      │ records      ▲
//                                    └─ collector ──┘
//
// Unlike the engine, which releases the next thing when the service rests, this never asks whether
// it does: clients go by the clock or by their own answers, and the peers of the service answer
// when it is time. The virtual clock runs with the real one, so many times as fast as `speed` says.
// So answers, draws and lookups are still found by context and address, but threads of the service
// race as they like, and nothing is claimed to be the same twice.
//
// Ownership: owns its parts; borrows plan, control file and service. Threading: one thread, beside
// that of the clients; on_event is called back from inside Service::drain().
#pragma once

#include <memory>
#include <tl/expected.hpp>

#include "event/event.h"
#include "replayer/conductor.h"
#include "replayer/control.h"
#include "replayer/ledger.h"
#include "replayer/live/live_options.h"
#include "replayer/plan.h"
#include "replayer/service.h"

namespace reprise::replayer {

// Whether it has to be known, while the replay goes on, whose work the service does: to answer what
// it asks for, and to compare what it does. Of a load whose recording has no external call nothing
// is asked but what clients see, and each exchange is numbered as it was: then Service need not
// know of exchanges, and observers only of connections and what the service sends by those that it
// opened.
[[nodiscard]] bool needs_contexts(const Plan& plan, const LiveOptions& options);

class LiveReplay final : public Conductor {
 public:
  // Before the service starts.
  LiveReplay(const Plan& plan, Control& control, LiveOptions options);
  ~LiveReplay() override;

  [[nodiscard]] tl::expected<void, Error> run(Service& service) override;
  const Ledger& ledger() const override { return ledger_; }

  // From the collector.
  void on_event(const event::Event& event) override;

 private:
  class Run;
  const Plan& plan_;
  Control& control_;
  LiveOptions options_;
  Ledger ledger_;
  std::unique_ptr<Run> run_;
};

}  // namespace reprise::replayer
