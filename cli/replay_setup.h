// What `replay` and `debug` do alike until the service is started. What goes wrong is told to the
// user.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "archive/reader.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "recorder/session.h"
#include "replayer/control.h"
#include "replayer/plan.h"
#include "replayer/start_files.h"

namespace reprise::cli {

// A recording, read as a replay needs it. The plan may borrow from the reader.
struct Recording {
  std::unique_ptr<archive::Reader> reader;
  std::unique_ptr<replayer::Plan> plan;
  bool damaged = false;  // what is whole can be replayed
};

// `wanted`: an exchange that the recording has to have. What a replay under `schedule` does not
// find in it is remarked.
[[nodiscard]] tl::expected<Recording, ExitCode> open_recording(
    const std::string& archive, const replayer::Selection& selection,
    std::optional<event::ExchangeId> wanted, const std::string& schedule, Terminal& terminal);

// What the option --schedule says of itself.
inline constexpr char kScheduleHelp[] =
    "Which exchange is released when: one after the other (serial), or all as they overlapped, "
    "with "
    "one thread of the service running at a time in the recorded order (recorded).";

// A session with the tape in it; nothing runs yet.
struct Prepared {
  std::unique_ptr<recorder::Session> session;
  replayer::Control control;
};

struct ReplayTarget {
  std::vector<std::string> program;  // the service and its arguments
  std::string output;                // archive of the replay, "" for none
  bool overwrite = false;
  bool derives_later = false;  // recorder::SessionOptions
};

[[nodiscard]] tl::expected<Prepared, ExitCode> prepare_replay(const replayer::Plan& plan,
                                                              const ReplayTarget& target,
                                                              Terminal& terminal);

// What the option --directory says of itself.
inline constexpr char kDirectoryHelp[] =
    "Where the service runs. Default: where the recorded one did, if this machine has such a "
    "directory, else here.";

// Where the service runs, "" for here: `wanted` by the user, or if that is "" where the recorded
// one did. The user is told what may surprise.
[[nodiscard]] tl::expected<std::string, ExitCode> service_directory(const replayer::Plan& plan,
                                                                    const std::string& wanted,
                                                                    Terminal& terminal);

// Which of the files that the recorded service read at its start are other ones here; the user is
// told of the first few.
std::vector<replayer::FileDifference> remark_on_files(const replayer::Plan& plan,
                                                      const std::string& directory,
                                                      Terminal& terminal);

// The recorded environment, where the caller's own does not say otherwise, addresses that are the
// same in every run, and the control file.
recorder::LaunchOptions launch_options(const replayer::Plan& plan, const replayer::Control& control,
                                       const std::string& directory);

}  // namespace reprise::cli
