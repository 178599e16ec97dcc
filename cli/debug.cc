// `reprise debug`: a replay under gdb, stopped where an exchange arrives.
#include <fmt/format.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/debugged_service.h"
#include "cli/gdb.h"
#include "cli/replay_setup.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "replayer/control_channel.h"
#include "replayer/engine.h"
#include "replayer/schedules.h"

namespace reprise::cli {
namespace {

class DebugCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  tl::expected<void, ExitCode> launch(Prepared& prepared, const Recording& recording,
                                      const replayer::ControlChannel& channel, const Gdb& gdb,
                                      Terminal& terminal) const;
  GdbSession describe(const Prepared& prepared, const Recording& recording,
                      const replayer::ControlChannel& channel) const;

  std::string archive_;
  std::optional<std::uint64_t> at_;
  std::string schedule_ = replayer::kDefaultSchedule;
  std::string directory_;
  std::string output_;
  bool overwrite_ = false;
  bool batch_ = false;
  std::vector<std::string> scripts_;
  std::string gdb_ = "gdb";
  std::vector<std::string> program_;
};

Manual DebugCommand::manual() const {
  return {
      "debug",
      "replay a recording under gdb, up to the moment an exchange arrives",
      "[OPTIONS] ARCHIVE -- PROGRAM [ARG…]",
      {"Starts PROGRAM under gdb, replays ARCHIVE to it as `reprise replay` does, at full speed, "
       "and "
       "stops it when exchange N arrives: you are at gdb's prompt, in the thread that has just "
       "read "
       "the request's first bytes, and everything gdb can do works as always. Without --at the "
       "first "
       "exchange stops it.",
       "Time stands still while gdb holds the service, and so do all its time-outs: look around as "
       "long as you like. Nothing else arrives meanwhile.",
       "More commands at gdb's prompt (`help reprise`): `reprise where` says what the thread works "
       "for, the virtual time and the last answer it got, with the recorded response; `reprise "
       "next` "
       "goes on to the next exchange, or to a later one; `reprise ls`, `reprise show` and `reprise "
       "calls` look things up in ARCHIVE; `reprise divergences` lists what went otherwise than "
       "recorded so far. $reprise_exchange is the exchange that arrived last.",
       "To go back in time, start it again with another --at: the replay is the same each time. "
       "Build PROGRAM with -g; a recording of an optimised build replays to an unoptimised one."},
      {{"reprise debug prod.reprise --at 17 -- ./service --port 8080",
        "At the prompt when exchange 17 arrives."},
       {"reprise debug prod.reprise --at 17 --batch -x look.gdb -- ./service --port 8080",
        "Run the gdb commands in look.gdb there, without a prompt: `break amount.cc:88`, "
        "`continue`, "
        "`backtrace`, `reprise where`."}},
      {{ExitCode::kHeld, "the session ended; otherwise the exit status is gdb's"},
       {ExitCode::kUsage, "bad usage, gdb is missing, or the replay could not be carried out"},
       {ExitCode::kDamaged, "the archive is damaged and nothing in it can be replayed"}},
      {"ls", "show", "replay"}};
}

void DebugCommand::declare(Arguments& arguments) {
  arguments.positional(archive_, "ARCHIVE", "The recording.");
  arguments.option(
      at_, "--at", "N",
      "Number of the exchange to stop at, as `reprise ls` prints it. Default: the first.");
  arguments.choice(schedule_, "--schedule", replayer::schedule_names(), kScheduleHelp);
  arguments.flag(batch_, "--batch", "Run the scripts given with -x and end, without a prompt.");
  arguments.option(scripts_, "-x,--execute", "FILE",
                   "Run the gdb commands in FILE once the exchange has arrived. May be repeated.");
  arguments.option(directory_, "--directory", "DIR", kDirectoryHelp);
  arguments.option(gdb_, "--gdb", "PROGRAM", "The gdb to use. It needs Python, as Debian's has.");
  arguments.option(output_, "-o,--output", "FILE",
                   "Keep what happens as an archive, for `reprise diff`. Default: do not.");
  arguments.flag(overwrite_, "--overwrite", "Replace FILE if it exists.");
  arguments.program(program_, true, "The service to start and its arguments.");
}

GdbSession DebugCommand::describe(const Prepared& prepared, const Recording& recording,
                                  const replayer::ControlChannel& channel) const {
  GdbSession description;
  description.archive = std::filesystem::absolute(archive_).string();
  description.channel = channel.path();
  description.control = prepared.control.path();
  description.held_offset = offsetof(abi::ControlHeader, held);
  description.at = at_.value_or(
      recording.plan->exchanges.empty() ? 0 : recording.plan->exchanges.front().id.value);
  description.directory = prepared.session->directory();
  description.scripts = scripts_;
  description.batch = batch_;
  return description;
}

tl::expected<void, ExitCode> DebugCommand::launch(Prepared& prepared, const Recording& recording,
                                                  const replayer::ControlChannel& channel,
                                                  const Gdb& gdb, Terminal& terminal) const {
  const auto directory = service_directory(*recording.plan, directory_, terminal);
  if (!directory) {
    prepared.session->discard();
    return tl::unexpected(directory.error());
  }
  remark_on_files(*recording.plan, *directory, terminal);
  recorder::LaunchOptions options = launch_options(*recording.plan, prepared.control, *directory);
  std::string problem;
  options.launcher = [&](const std::vector<std::string>& command,
                         const recorder::Environment& environment) {
    GdbSession description = describe(prepared, recording, channel);
    description.command = command;
    description.environment = environment;
    description.working_directory = options.working_directory;
    auto launcher = gdb.command(description);
    if (!launcher) problem = launcher.error();
    return launcher.value_or(std::vector<std::string>{});
  };
  const auto launched = prepared.session->launch(options);
  if (launched && problem.empty()) return {};
  terminal.error(problem.empty() ? launched.error().message : problem);
  prepared.session->discard();
  return tl::unexpected(ExitCode::kUsage);
}

// gdb goes on after the service has ended, and its commands have to be answered until it ends too.
int wait_for_gdb(recorder::Session& session, replayer::ControlChannel& channel) {
  constexpr int kLookEveryMs = 20;
  while (!session.exit_status()) {
    channel.serve();
    session.wait(kLookEveryMs);
  }
  return session.exit_status()->shell_code();
}

ExitCode DebugCommand::run(Terminal& terminal) {
  const auto gdb = Gdb::find(gdb_);
  if (!gdb) {
    terminal.error(gdb.error());
    return ExitCode::kUsage;
  }
  std::optional<event::ExchangeId> at;
  if (at_) at = event::ExchangeId{*at_};
  const auto recording = open_recording(archive_, {}, at, schedule_, terminal);
  if (!recording) return recording.error();
  const replayer::Plan& plan = *recording->plan;
  auto prepared = prepare_replay(plan, {program_, output_, overwrite_}, terminal);
  if (!prepared) return prepared.error();
  recorder::Session& session = *prepared->session;
  const auto channel = replayer::ControlChannel::open(session.directory() + "/debugger");
  if (!channel) {
    terminal.error(channel.error().message);
    session.discard();
    return ExitCode::kUsage;
  }

  replayer::EngineOptions options;
  options.debugger = channel->get();
  options.stop_at = at;
  if (!at && !plan.exchanges.empty()) options.stop_at = plan.exchanges.front().id;
  DebuggedService service(session);
  options.on_stuck = [&service] { service.interrupt(); };
  replayer::Engine engine(plan, prepared->control, replayer::make_schedule(schedule_),
                          std::move(options));
  session.add_observer(service);
  session.add_observer(engine);
  if (auto launched = launch(*prepared, *recording, **channel, *gdb, terminal); !launched) {
    return launched.error();
  }
  const auto replayed = engine.run(service);
  const int gdb_exit = wait_for_gdb(session, **channel);
  const auto summary = session.finish();
  if (!replayed) terminal.error(replayed.error().message);
  if (!summary) terminal.error(summary.error().message);
  if (!replayed || !summary) return ExitCode::kUsage;
  if (!output_.empty()) {
    terminal.err() << "reprise: the replay is in " << printable(output_) << "\n";
    terminal.next("reprise diff " + shell_word(archive_) + " " + shell_word(output_));
  } else {
    terminal.next("reprise show " + shell_word(archive_) + " " + std::to_string(at_.value_or(1)));
  }
  return static_cast<ExitCode>(gdb_exit);
}

}  // namespace

std::unique_ptr<Command> make_debug_command() { return std::make_unique<DebugCommand>(); }

}  // namespace reprise::cli
