// Plays the recorded clients against a service that runs as it is, without the agent: nothing is
// answered from the recording, nothing is recorded. What a load measures then is the service alone,
// with its real dependencies.
//
// Ownership: borrows the plan. Threading: one thread, beside that of the clients.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <tl/expected.hpp>

#include "replayer/error.h"
#include "replayer/ledger.h"
#include "replayer/live/live_options.h"
#include "replayer/plan.h"

namespace reprise::replayer {

class PlainReplay {
 public:
  // `port`: where the service listens; none: where the recorded one did.
  PlainReplay(const Plan& plan, LiveOptions options, std::optional<std::uint16_t> port)
      : plan_(plan), options_(std::move(options)), port_(port) {}

  // Waits for the service to listen, and drives the clients. `alive`: whether it still runs. An
  // error is one of the environment or of usage.
  [[nodiscard]] tl::expected<void, Error> run(const std::function<bool()>& alive);

  const Ledger& ledger() const { return ledger_; }

 private:
  const Plan& plan_;
  const LiveOptions options_;
  const std::optional<std::uint16_t> port_;
  Ledger ledger_;
};

}  // namespace reprise::replayer
