// `reprise replay`: plays a recording back to a local build of its service.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/live_service.h"
#include "cli/replay_setup.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "recorder/session.h"
#include "replayer/engine.h"
#include "replayer/ledger_report.h"
#include "replayer/plan.h"
#include "replayer/schedules.h"

namespace reprise::cli {
namespace {

class ReplayCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  tl::expected<void, ExitCode> replay(recorder::Session& session, replayer::Engine& engine,
                                      const replayer::Control& control, const replayer::Plan& plan,
                                      Terminal& terminal);
  bool launch(recorder::Session& session, const replayer::Control& control,
              const replayer::Plan& plan, Terminal& terminal) const;
  ExitCode report(const replayer::Ledger& ledger, const std::string& output, bool damaged,
                  Terminal& terminal) const;
  std::string default_output() const;

  std::string archive_;
  std::string output_;
  bool overwrite_ = false;
  std::optional<std::uint64_t> only_;
  bool with_prefix_ = false;
  std::string schedule_ = replayer::kDefaultSchedule;
  std::string policy_ = "relaxed";
  std::string on_miss_ = "error";
  bool json_ = false;
  std::vector<std::string> program_;
};

Manual ReplayCommand::manual() const {
  return {
      "replay",
      "play a recording back to a local build",
      "[OPTIONS] ARCHIVE -- PROGRAM [ARG…]",
      {"Starts PROGRAM, sends it again what the recorded service was sent, and answers everything "
       "it "
       "asks for from ARCHIVE: external calls, name lookups, clocks, random numbers, connects that "
       "failed. No dependency has to be reachable and none is reached. Addresses the service "
       "listens "
       "on are replaced by free ones of this machine, so replays run side by side.",
       "Exchanges are replayed one at a time in recorded order. Time is virtual: it stands still "
       "while the service works and skips silence, and time-outs that fired in the recording fire "
       "again.",
       "PROGRAM may be another build than the recorded one; what it does otherwise is reported as "
       "divergences and does not stop the replay. The ledger at the end says how every answer was "
       "found: exact; relaxed, where only headers differ that may (docs/matching.md); substituted, "
       "where the recorded answer was given to a changed request; missed, where there was none. "
       "The "
       "replay is written as an archive of its own, for `reprise diff`."},
      {{"reprise replay prod.reprise -o local.reprise -- ./service --port 8080",
        "Replay everything, then compare with `reprise diff prod.reprise local.reprise`."},
       {"reprise replay prod.reprise --only 17 -- ./service", "Replay one exchange."},
       {"reprise replay prod.reprise --json -- ./service | jq .divergences", "For programs."}},
      {{ExitCode::kHeld, "the service behaved as recorded"},
       {ExitCode::kDiffers, "it behaved otherwise"},
       {ExitCode::kUsage, "bad usage, or the replay could not be carried out"},
       {ExitCode::kDamaged, "the archive is damaged; what is whole was replayed"},
       {ExitCode::kBelowPolicy, "answers were found less faithfully than --policy allows"}},
      {"record", "diff", "debug", "ls"}};
}

void ReplayCommand::declare(Arguments& arguments) {
  arguments.positional(archive_, "ARCHIVE", "The recording.");
  arguments.option(
      output_, "-o,--output", "FILE",
      "Archive of the replay. Default: a new file in the directory for temporary ones.");
  arguments.flag(overwrite_, "--overwrite", "Replace FILE if it exists.");
  arguments.option(only_, "--only", "N",
                   "Replay start-up, background and exchange N, and no other.");
  arguments.flag(with_prefix_, "--with-prefix",
                 "With --only: replay all exchanges before it as well.");
  arguments.choice(schedule_, "--schedule", replayer::schedule_names(), kScheduleHelp);
  arguments.choice(policy_, "--policy", {"exact", "relaxed", "substituted"},
                   "The least faithful way of answering calls that is tolerated.");
  arguments.choice(on_miss_, "--on-miss", {"error", "fail", "passthrough"},
                   "What happens to a call nobody recorded: its connection is reset, the replay "
                   "stops, or it goes to the real peer.");
  arguments.flag(json_, "--json",
                 "Print the ledger as one JSON object; the service's standard "
                 "output goes to standard error.");
  arguments.program(program_, true, "The service to start and its arguments.");
}

std::string ReplayCommand::default_output() const {
  std::error_code ignored;
  const std::filesystem::path directory = std::filesystem::temp_directory_path(ignored);
  return (directory / fmt::format("{}-replay-{}-{}.reprise",
                                  std::filesystem::path(archive_).stem().string(),
                                  std::time(nullptr), ::getpid()))
      .string();
}

replayer::OnMiss on_miss_of(const std::string& word) {
  if (word == "fail") return replayer::OnMiss::kFail;
  return word == "passthrough" ? replayer::OnMiss::kPassthrough : replayer::OnMiss::kError;
}

replayer::Policy policy_of(const std::string& word) {
  if (word == "exact") return replayer::Policy::kExact;
  return word == "substituted" ? replayer::Policy::kSubstituted : replayer::Policy::kRelaxed;
}

// While it lives, standard output of what is started is standard error.
class OutputAside {
 public:
  explicit OutputAside(bool aside) : saved_(aside ? ::dup(STDOUT_FILENO) : -1) {
    if (saved_ >= 0) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~OutputAside() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }
  OutputAside(const OutputAside&) = delete;
  OutputAside& operator=(const OutputAside&) = delete;

 private:
  int saved_;
};

bool ReplayCommand::launch(recorder::Session& session, const replayer::Control& control,
                           const replayer::Plan& plan, Terminal& terminal) const {
  const OutputAside aside(json_);
  const auto launched = session.launch(launch_options(plan, control));
  if (!launched) terminal.error(launched.error().message);
  return launched.has_value();
}

tl::expected<void, ExitCode> ReplayCommand::replay(recorder::Session& session,
                                                   replayer::Engine& engine,
                                                   const replayer::Control& control,
                                                   const replayer::Plan& plan, Terminal& terminal) {
  session.add_observer(engine);
  if (!launch(session, control, plan, terminal)) {
    session.discard();
    return tl::unexpected(ExitCode::kUsage);
  }
  LiveService service(session);
  const auto replayed = engine.run(service);
  if (!replayed) terminal.error(replayed.error().message);
  const auto summary = session.finish();
  if (!summary) terminal.error(summary.error().message);
  if (!replayed || !summary) return tl::unexpected(ExitCode::kUsage);
  return {};
}

ExitCode ReplayCommand::run(Terminal& terminal) {
  if (with_prefix_ && !only_) {
    terminal.error("replay: --with-prefix goes with --only N");
    return ExitCode::kUsage;
  }
  replayer::Selection selection;
  if (only_) selection.only = event::ExchangeId{*only_};
  selection.with_prefix = with_prefix_;
  const auto recording = open_recording(archive_, selection, selection.only, terminal);
  if (!recording) return recording.error();
  const replayer::Plan& plan = *recording->plan;
  const std::string output = output_.empty() ? default_output() : output_;
  auto prepared = prepare_replay(plan, {program_, output, overwrite_}, terminal);
  if (!prepared) return prepared.error();
  const auto schedule = replayer::make_schedule(schedule_);
  replayer::EngineOptions options;
  options.on_miss = on_miss_of(on_miss_);
  if (terminal.interactive() && !json_) {
    options.on_progress = [&terminal](std::uint64_t done, std::uint64_t of) {
      terminal.err() << fmt::format("\rreplayed {} of {}", done, of) << std::flush;
    };
  }
  replayer::Engine engine(plan, prepared->control, *schedule, std::move(options));
  if (auto replayed = replay(*prepared->session, engine, prepared->control, plan, terminal);
      !replayed) {
    return replayed.error();
  }
  return report(engine.ledger(), output, recording->damaged, terminal);
}

ExitCode ReplayCommand::report(const replayer::Ledger& ledger, const std::string& output,
                               bool damaged, Terminal& terminal) const {
  const bool within = ledger.within(policy_of(policy_));
  const bool differs = !ledger.divergences().empty();
  if (json_) {
    terminal.out() << replayer::ledger_json(ledger) << "\n" << std::flush;
  } else {
    std::string text = replayer::ledger_text(ledger);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      terminal.out() << printable(text.substr(at, end - at)) << "\n";
      at = end + 1;
    }
    terminal.out() << std::flush;
    terminal.err() << "reprise: the replay is in " << printable(output) << "\n";
    terminal.next("reprise diff " + shell_word(archive_) + " " + shell_word(output));
  }
  if (damaged) return ExitCode::kDamaged;
  if (!within) return ExitCode::kBelowPolicy;
  return differs ? ExitCode::kDiffers : ExitCode::kHeld;
}

}  // namespace

std::unique_ptr<Command> make_replay_command() { return std::make_unique<ReplayCommand>(); }

}  // namespace reprise::cli
