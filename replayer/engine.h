// Replays a recording against a running service.
//
//   plan ─▶ driver ────▶ service ────▶ responder
//             ▲             │ records       ▲
//             └── schedule ─┴── collector ──┘
//
// One thread does everything: it sleeps on the arena's doorbell, which the agent rings when a
// thread begins to wait or asks something; collects, answers questions, moves bytes; and when the
// service rests asks the schedule what to release next.
//
// Ownership: owns its parts and the schedule; borrows plan, control file and service. Threading:
// one thread; on_event is called back from inside Service::drain().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "event/event.h"
#include "replayer/conductor.h"
#include "replayer/control.h"
#include "replayer/control_channel.h"
#include "replayer/ledger.h"
#include "replayer/plan.h"
#include "replayer/schedule.h"
#include "replayer/service.h"

namespace reprise::replayer {

struct EngineOptions {
  OnMiss on_miss = OnMiss::kError;
  bool real_time = false;  // silence between releases passes in real time, and is not skipped
  // The service stops under the debugger when this exchange arrives.
  std::optional<event::ExchangeId> stop_at;
  // The debugger that holds the service; null without one. With one, the replay has all the time in
  // the world, and goes on until the service has ended.
  ControlChannel* debugger = nullptr;
  // Called when the replay cannot go on and the debugger has to end it: interrupts the service, so
  // that the debugger learns of it.
  std::function<void()> on_stuck;
  // Called now and then with how many of the selected exchanges are done.
  std::function<void(std::uint64_t done, std::uint64_t of)> on_progress;
};

class Engine final : public Conductor {
 public:
  // Before the service starts.
  Engine(const Plan& plan, Control& control, std::unique_ptr<Schedule> schedule,
         EngineOptions options);
  ~Engine() override;

  [[nodiscard]] tl::expected<void, Error> run(Service& service) override;
  const Ledger& ledger() const override { return ledger_; }

  // From the collector.
  void on_event(const event::Event& event) override;

 private:
  class Run;
  const Plan& plan_;
  Control& control_;
  const std::unique_ptr<Schedule> schedule_;
  EngineOptions options_;
  Ledger ledger_;
  std::unique_ptr<Run> run_;
};

}  // namespace reprise::replayer
