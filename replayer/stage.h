// What the parts of one replay share. Borrowed by all of them, owned by the engine.
#pragma once

#include <functional>

#include "replayer/clock.h"
#include "replayer/control.h"
#include "replayer/delivery.h"
#include "replayer/ledger.h"
#include "replayer/match.h"
#include "replayer/output.h"
#include "replayer/plan.h"
#include "replayer/service.h"
#include "replayer/tls/identity.h"

namespace reprise::replayer {

struct Stage {
  const Plan& plan;
  Control& control;
  Clock& clock;
  Matcher& matcher;
  Ledger& ledger;
  Service& service;
  Delivery& delivery;
  tls::Identities& identities;  // of peers and clients that speak TLS
  OnMiss on_miss = OnMiss::kError;
  bool as_recorded = false;  // Schedule::is_as_recorded()
  bool at_once = false;      // peers answer as soon as they are asked

  // Of what is owed from now on.
  Pace pace() const { return {clock.now(), as_recorded, at_once}; }

  // Turns a context of this replay into that of the recording it stands for.
  std::function<event::Context(const event::Context&)> recorded;
  // Exchanges, by recorded number, whose responses are outstanding.
  std::function<std::vector<event::ExchangeId>()> in_flight;
  // The recorded thread had the input that is released now.
  std::function<void(event::ThreadId)> expect;
  // Ends the replay: --on-miss fail.
  std::function<void(std::string why)> stop;
};

}  // namespace reprise::replayer
