// One replay of a recording: a fresh process of the service, driven to its end. What goes wrong is
// told to the user.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "cli/command.h"
#include "cli/replay_setup.h"
#include "cli/schedule_choice.h"
#include "cli/terminal.h"
#include "replayer/ledger.h"
#include "replayer/plan.h"

namespace reprise::cli {

struct RunSetting {
  ReplayTarget target;
  std::string directory;  // where the service runs, "" for here
  ScheduleChoice schedule;
  replayer::OnMiss on_miss = replayer::OnMiss::kError;
  bool real_time = false;   // silence is not skipped
  int out = STDOUT_FILENO;  // where the service's standard output goes,
  int err = STDERR_FILENO;  // and its standard error
  std::function<void(std::uint64_t done, std::uint64_t of)> on_progress;
};

struct RunResult {
  replayer::Ledger ledger;   // borrows the plan
  bool interrupted = false;  // the user wants to end it
};

[[nodiscard]] tl::expected<RunResult, ExitCode> run_replay(const replayer::Plan& plan,
                                                           const RunSetting& setting,
                                                           Terminal& terminal);

}  // namespace reprise::cli
