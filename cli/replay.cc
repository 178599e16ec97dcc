// `reprise replay`: plays a recording back to a local build of its service.
#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/kept_output.h"
#include "cli/plain_run.h"
#include "cli/replay_advice.h"
#include "cli/replay_run.h"
#include "cli/replay_setup.h"
#include "cli/run_comparison.h"
#include "cli/run_files.h"
#include "cli/schedule_choice.h"
#include "cli/terminal.h"
#include "cli/text.h"
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
  // Of all runs.
  struct Outcome {
    std::optional<replayer::Ledger> ledger;  // of the first
    bool within_policy = true, differs = false;

    void add(replayer::Ledger&& one, replayer::Policy policy) {
      within_policy = within_policy && one.within(policy);
      differs = differs || !one.divergences().empty();
      if (!ledger) ledger = std::move(one);
    }
  };

  std::string mistake() const;
  tl::expected<Outcome, ExitCode> replay(const replayer::Plan& plan, const std::string& directory,
                                         RunFiles& files, Terminal& terminal) const;
  std::function<void(std::uint64_t, std::uint64_t)> progress(std::uint64_t run,
                                                             Terminal& terminal) const;
  void report(const replayer::Plan& plan, const replayer::Ledger& ledger, const RunFiles& files,
              Terminal& terminal) const;

  std::string archive_;
  std::string output_;
  bool overwrite_ = false;
  std::optional<std::uint64_t> only_;
  bool with_prefix_ = false;
  ScheduleChoice schedule_;
  std::string policy_ = "relaxed";
  std::string on_miss_ = "error";
  std::uint64_t repeat_ = 1;
  bool real_time_ = false;
  std::string directory_;
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
       "Exchanges are replayed one at a time in recorded order; with `--schedule recorded` they "
       "overlap as they did, and one thread of the service runs at a time, for bugs that need two "
       "requests at once. Time is virtual: it stands still while the service works and skips "
       "silence, and time-outs that fired in the recording fire again. Two more schedules run in "
       "real time and measure latencies and throughput: `timed` keeps the recorded offsets, `load` "
       "drives as many connections at once as it is told. They claim no determinism "
       "(docs/schedules.md).",
       "PROGRAM may be another build than the recorded one; what it does otherwise is reported as "
       "divergences and does not stop the replay. The ledger at the end says how every answer was "
       "found: exact; relaxed, where only headers differ that may (docs/matching.md); substituted, "
       "where the recorded answer was given to a changed request; missed, where there was none. "
       "The "
       "replay is written as an archive of its own, for `reprise diff`.",
       "--repeat tells whether the replay is deterministic: runs are compared by all that a "
       "client, a peer or a reader of the log could tell apart and by what was drawn. At the end "
       "is said which runs differ from the first, in which exchanges and how many were the same "
       "in all; and the first event in which two differ, with the code that drew it. What the "
       "service prints is shown of the first run. Of temporary archives the first run's stays, "
       "and that of the first that differs."},
      {{"reprise replay prod.reprise -o local.reprise -- ./service --port 8080",
        "Replay everything, then compare with `reprise diff prod.reprise local.reprise`."},
       {"reprise replay prod.reprise --only 17 -- ./service", "Replay one exchange."},
       {"reprise replay prod.reprise --schedule recorded --repeat 20 -- ./service",
        "Replay what raced, and see that it is the same each time."},
       {"reprise replay prod.reprise --repeat 20 -- ./service", "How deterministic is it?"},
       {"reprise replay prod.reprise --schedule timed --speed 2 -- ./service",
        "Replay the recorded rhythm, twice as fast."},
       {"reprise replay prod.reprise --schedule load --concurrency 32 --duration 30s -- ./service",
        "How much does it stand?"},
       {"reprise replay prod.reprise --schedule load --concurrency 32 --without-agent -- ./service",
        "The same against the service as it is, with its real dependencies."},
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
  schedule_.declare(arguments);
  arguments.choice(policy_, "--policy", {"exact", "relaxed", "substituted"},
                   "The least faithful way of answering calls that is tolerated.");
  arguments.choice(on_miss_, "--on-miss", {"error", "fail", "passthrough"},
                   "What happens to a call nobody recorded: its connection is reset, the replay "
                   "stops, or it goes to the real peer.");
  arguments.flag(real_time_, "--real-time",
                 "Let silence between what is released pass in real time instead of skipping it.");
  arguments.option(directory_, "--directory", "DIR", kDirectoryHelp);
  arguments.option(repeat_, "--repeat", "N",
                   "Replay N times, each in a fresh process, and compare the runs. FILE is the "
                   "first's; the others have -2, -3… before its extension.");
  arguments.flag(json_, "--json",
                 "Print the ledger as one JSON object; the service's standard "
                 "output goes to standard error.");
  arguments.program(program_, true, "The service to start and its arguments.");
}

replayer::OnMiss on_miss_of(const std::string& word) {
  if (word == "fail") return replayer::OnMiss::kFail;
  return word == "passthrough" ? replayer::OnMiss::kPassthrough : replayer::OnMiss::kError;
}

replayer::Policy policy_of(const std::string& word) {
  if (word == "exact") return replayer::Policy::kExact;
  return word == "substituted" ? replayer::Policy::kSubstituted : replayer::Policy::kRelaxed;
}

std::function<void(std::uint64_t, std::uint64_t)> ReplayCommand::progress(
    std::uint64_t run, Terminal& terminal) const {
  if (!terminal.interactive() || json_) return {};
  const std::string which = repeat_ > 1 ? fmt::format("run {} of {}: ", run, repeat_) : "";
  return [&terminal, which](std::uint64_t done, std::uint64_t of) {
    terminal.err() << fmt::format("\r{}replayed {} of {}", which, done, of) << std::flush;
  };
}

// One of several runs; what the service prints is shown of the first.
tl::expected<RunResult, ExitCode> run_aside(const replayer::Plan& plan, RunSetting setting,
                                            const KeptOutput& printed, bool first,
                                            Terminal& terminal) {
  const int out = setting.out, err = setting.err;
  printed.clear();
  setting.out = printed.out(out);
  setting.err = printed.err(err);
  auto result = run_replay(plan, setting, terminal);
  if (first) printed.pass_on(out, err);
  return result;
}

// Replays as often as was asked, one run after the other, and compares what they left.
tl::expected<ReplayCommand::Outcome, ExitCode> ReplayCommand::replay(const replayer::Plan& plan,
                                                                     const std::string& directory,
                                                                     RunFiles& files,
                                                                     Terminal& terminal) const {
  Outcome outcome;
  RunComparison comparison(plan);
  RunSetting setting;
  setting.schedule = schedule_;
  setting.on_miss = on_miss_of(on_miss_);
  setting.out = json_ ? STDERR_FILENO : STDOUT_FILENO;
  std::optional<KeptOutput> printed;
  if (repeat_ > 1) printed.emplace();
  setting.real_time = real_time_;
  setting.directory = directory;
  for (std::uint64_t run = 1; run <= repeat_; ++run) {
    setting.target = {program_, files.of(run), overwrite_};
    setting.on_progress = progress(run, terminal);
    auto result = schedule_.is_plain() ? run_plain(plan, setting, schedule_.port(), terminal)
                  : printed            ? run_aside(plan, setting, *printed, run == 1, terminal)
                                       : run_replay(plan, setting, terminal);
    if (result && result->interrupted && run < repeat_) {
      files.drop(run);
      terminal.error(fmt::format("interrupted in run {} of {}", run, repeat_));
      return tl::unexpected(ExitCode::kUsage);
    }
    if (!result) return tl::unexpected(result.error());
    outcome.add(std::move(result->ledger), policy_of(policy_));
    bool same = true;
    if (repeat_ > 1) {
      const auto compared = comparison.add(files.of(run));
      if (!compared) {
        terminal.error(compared.error());
        return tl::unexpected(ExitCode::kUsage);
      }
      same = *compared;
    }
    files.settle(run, same);
  }
  if (repeat_ > 1) outcome.ledger->determinism = comparison.result();
  return outcome;
}

// What was asked for and does not go together, "" when all does.
std::string ReplayCommand::mistake() const {
  if (with_prefix_ && !only_) return "--with-prefix goes with --only N";
  if (repeat_ == 0) return "--repeat takes a number from 1 on";
  if (std::string wrong = schedule_.mistake(); !wrong.empty()) return wrong;
  const std::string schedule = "--schedule " + schedule_.name();
  if (schedule_.name() == "load" && only_) {
    return "--only and " + schedule + " do not go together: a load replays all exchanges";
  }
  if (schedule_.is_plain() && !output_.empty()) {
    return "--without-agent records nothing: there is no archive for --output";
  }
  if (schedule_.is_live() && real_time_) return schedule + " runs in real time without --real-time";
  if (schedule_.is_live() && repeat_ > 1) {
    return "--repeat and " + schedule +
           " do not go together: in real time no two runs are the same";
  }
  return "";
}

ExitCode ReplayCommand::run(Terminal& terminal) {
  if (const std::string wrong = mistake(); !wrong.empty()) {
    terminal.error("replay: " + wrong);
    return ExitCode::kUsage;
  }
  replayer::Selection selection;
  if (only_) selection.only = event::ExchangeId{*only_};
  selection.with_prefix = with_prefix_;
  const auto recording =
      open_recording(archive_, selection, selection.only, schedule_.name(), terminal);
  if (!recording) return recording.error();
  RunFiles files(archive_, output_);
  // Before anything starts, as that of the first run, and not when its turn comes.
  if (const std::string taken = files.existing(repeat_); !taken.empty() && !overwrite_) {
    terminal.error(taken + " exists; --overwrite replaces it");
    return ExitCode::kUsage;
  }
  const auto directory = service_directory(*recording->plan, directory_, terminal);
  if (!directory) return directory.error();
  auto differing = remark_on_files(*recording->plan, *directory, terminal);
  auto outcome = replay(*recording->plan, *directory, files, terminal);
  if (!outcome) return outcome.error();
  outcome->ledger->files = std::move(differing);
  report(*recording->plan, *outcome->ledger, files, terminal);
  if (recording->damaged) return ExitCode::kDamaged;
  if (!outcome->within_policy) return ExitCode::kBelowPolicy;
  const bool differs = outcome->differs || !outcome->ledger->determinism.holds();
  return differs ? ExitCode::kDiffers : ExitCode::kHeld;
}

void ReplayCommand::report(const replayer::Plan& plan, const replayer::Ledger& ledger,
                           const RunFiles& files, Terminal& terminal) const {
  if (json_) {
    terminal.out() << replayer::ledger_json(ledger) << "\n" << std::flush;
    return;
  }
  const std::string text =
      schedule_.is_plain() ? replayer::plain_ledger_text(ledger) : replayer::ledger_text(ledger);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    terminal.out() << printable(text.substr(at, end - at)) << "\n";
    at = end + 1;
  }
  terminal.out() << std::flush;
  if (schedule_.is_plain()) return;  // it left no archive
  const std::vector<std::string>& kept = files.kept();
  for (const std::string& file : kept) {
    terminal.err() << (kept.size() == 1 ? "reprise: the replay is in " : "reprise: a replay is in ")
                   << printable(file) << "\n";
  }
  const std::string advice = replay_advice(plan, ledger, only_ && !with_prefix_,
                                           schedule_.name() == replayer::kDefaultSchedule);
  if (!advice.empty()) terminal.err() << "reprise: " << advice << "\n";
  const auto& difference = ledger.determinism.first_difference;
  const std::string base = difference ? kept.front() : archive_;
  const std::string candidate = difference ? files.of(difference->other.run) : kept.front();
  terminal.next("reprise diff " + shell_word(base) + " " + shell_word(candidate));
}

}  // namespace

std::unique_ptr<Command> make_replay_command() { return std::make_unique<ReplayCommand>(); }

}  // namespace reprise::cli
