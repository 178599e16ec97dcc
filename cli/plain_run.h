// One replay in real time against a service without the agent: the program is started as it is,
// driven, and ended. What goes wrong is told to the user.
#pragma once

#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "cli/command.h"
#include "cli/replay_run.h"
#include "cli/terminal.h"
#include "replayer/plan.h"

namespace reprise::cli {

// `port`: where the service listens; none: where the recorded one did. There is no archive of it.
[[nodiscard]] tl::expected<RunResult, ExitCode> run_plain(const replayer::Plan& plan,
                                                          const RunSetting& setting,
                                                          std::optional<std::uint16_t> port,
                                                          Terminal& terminal);

}  // namespace reprise::cli
