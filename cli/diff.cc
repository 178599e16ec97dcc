// `reprise diff`: what differs between two archives.
#include "diff/comparison.h"

#include <fmt/format.h>

#include <optional>
#include <ostream>

#include "cli/archive_access.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "diff/difference_json.h"
#include "diff/report.h"

namespace reprise::cli {
namespace {

// Columns of a line where no terminal says how wide it is; values may be whole bodies.
constexpr std::size_t kPipeColumns = 400;

Style style_of(diff::Tone tone) {
  switch (tone) {
    case diff::Tone::kHeading:
      return Style::kBold;
    case diff::Tone::kRemark:
      return Style::kDim;
    case diff::Tone::kGood:
    case diff::Tone::kAdded:
      return Style::kGood;
    case diff::Tone::kRemoved:
      return Style::kBad;
    case diff::Tone::kWarning:
      return Style::kWarning;
    case diff::Tone::kPlain:
      break;
  }
  return Style::kPlain;
}

// Prints differences as they are found, so that their number does not matter.
class JsonPrinter final : public diff::Listener {
 public:
  explicit JsonPrinter(std::ostream& out) : out_(out) { out_ << "{\"differences\": ["; }

  void on_difference(const diff::ExchangeDifferences& found) override {
    for (const std::string& line : diff::difference_lines_json(found)) {
      out_ << (any_ ? ",\n  " : "\n  ") << line;
      any_ = true;
    }
  }
  void finish(const diff::Totals& totals) {
    out_ << (any_ ? "\n ],\n" : "],\n")
         << fmt::format(
                " \"same\": {}, \"differ\": {}, \"missing\": {}, \"extra\": {}, "
                "\"incomplete\": {}, \"not_replayed\": {}}}\n",
                totals.same, totals.differ, totals.missing, totals.extra, totals.incomplete,
                totals.not_replayed);
  }
  bool any() const { return any_; }

 private:
  std::ostream& out_;
  bool any_ = false;
};

class ReportCollector final : public diff::Listener {
 public:
  void on_difference(const diff::ExchangeDifferences& found) override { report.add(found); }
  diff::Report report;
};

class DiffCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  void compare(diff::Comparison& comparison) const;
  bool print_json(archive::Reader& base, archive::Reader& candidate, Terminal& terminal) const;
  bool print_report(archive::Reader& base, archive::Reader& candidate, Terminal& terminal);
  void print_line(const diff::Line& line, Terminal& terminal) const;
  std::string next_command() const;

  std::string base_, candidate_;
  std::optional<std::uint64_t> only_;
  bool full_ = false, json_ = false;
  event::ExchangeId first_;  // that differs
};

Manual DiffCommand::manual() const {
  return {
      "diff",
      "say what differs between two archives",
      "[OPTIONS] BASE CANDIDATE",
      {"Compares two archives exchange by exchange: status, every header, the decoded body (JSON "
       "by structure with exact numbers, text by line, other bytes by offset) and the external "
       "calls that were made for it: missing, extra, changed, reordered. Then the calls that were "
       "made for no exchange, and how the process ended.",
       "If one archive is a replay of the other, or both are replays of the same recording, each "
       "exchange is compared with the one that stands for it there. Two recordings that know "
       "nothing of each other are aligned by method and target: the first GET /cart of one with "
       "the first GET /cart of the other, and so on. With concurrent clients that is a guess.",
       "Not compared: times, and connection set-up, which belongs to a pool and not to an "
       "exchange (connects, name lookups, AUTH, SELECT and the like). Of an exchange that either "
       "archive has only in part, the status and the external calls are compared and nothing "
       "else; it counts as incomplete if the other is in part as well, and as a difference if "
       "not.",
       "What a replay with --only was not to replay is counted and is no difference.",
       "Exchanges that differ in the same way are shown once, the weightiest difference first: "
       "lines with - are the base, with + the candidate. Where a list differs, an element has the "
       "number it has in the base."},
      {{"reprise diff prod.reprise local.reprise", "What the local build does differently."},
       {"reprise diff prod.reprise local.reprise --only 20 --full",
        "Everything in which exchange 20 differs."},
       {"reprise diff prod.reprise local.reprise --json | jq -r '.differences[].where' | sort | "
        "uniq -c",
        "How often each place differs."}},
      {{ExitCode::kHeld, "nothing differs"},
       {ExitCode::kDiffers, "something differs"},
       {ExitCode::kUsage, "bad usage, or an archive cannot be read"},
       {ExitCode::kDamaged, "an archive is damaged; what is whole was compared"}},
      {"replay", "show", "ls"}};
}

void DiffCommand::declare(Arguments& arguments) {
  arguments.positional(base_, "BASE", "What it should be like, usually the recording.");
  arguments.positional(candidate_, "CANDIDATE", "What is compared with it, usually a replay.");
  arguments.option(only_, "--only", "N", "Compare only exchange N of BASE.");
  arguments.flag(full_, "--full", "Show every kind of difference, and all of each, uncut.");
  arguments.flag(json_, "--json",
                 "Print one JSON object: the counts same, differ, missing, extra, incomplete and "
                 "not_replayed, and differences, a list of exchange, where, kind, base and "
                 "candidate.");
}

ExitCode DiffCommand::run(Terminal& terminal) {
  auto base = open_archive(base_, terminal);
  if (!base) return base.error();
  auto candidate = open_archive(candidate_, terminal);
  if (!candidate) return candidate.error();
  if (only_) {
    if (const auto exchange = (*base)->exchange({*only_}); !exchange) {
      terminal.error("diff: --only: " + exchange.error().message);
      return exit_code_of(exchange.error());
    }
  }
  const bool differs = json_ ? print_json(**base, **candidate, terminal)
                             : print_report(**base, **candidate, terminal);
  const ExitCode base_state = remark_on_state(**base, base_, terminal);
  const ExitCode candidate_state = remark_on_state(**candidate, candidate_, terminal);
  if (!json_) terminal.next(next_command());
  if (base_state != ExitCode::kHeld) return base_state;
  if (candidate_state != ExitCode::kHeld) return candidate_state;
  return differs ? ExitCode::kDiffers : ExitCode::kHeld;
}

void DiffCommand::compare(diff::Comparison& comparison) const {
  if (only_) {
    comparison.compare_only({*only_});
  } else {
    comparison.compare_all();
  }
}

bool DiffCommand::print_json(archive::Reader& base, archive::Reader& candidate,
                             Terminal& terminal) const {
  JsonPrinter printer(terminal.out());
  diff::Comparison comparison(base, candidate, printer);
  compare(comparison);
  printer.finish(comparison.totals());
  return printer.any();
}

bool DiffCommand::print_report(archive::Reader& base, archive::Reader& candidate,
                               Terminal& terminal) {
  ReportCollector collector;
  diff::Comparison comparison(base, candidate, collector);
  compare(comparison);
  diff::ReportLimits limits;
  if (full_) limits.groups = limits.differences = static_cast<std::size_t>(-1);
  for (const diff::Line& line :
       collector.report.lines(comparison.totals(), comparison.alignment(),
                              only_ || comparison.exit_compared(), limits)) {
    print_line(line, terminal);
  }
  first_ = collector.report.first();
  return !collector.report.empty();
}

void DiffCommand::print_line(const diff::Line& line, Terminal& terminal) const {
  std::string text = printable(line.text);
  if (!full_) text = truncated(text, terminal.width() != 0 ? terminal.width() : kPipeColumns);
  terminal.out() << terminal.paint(style_of(line.tone), text) << "\n";
}

std::string DiffCommand::next_command() const {
  if (!first_) return "reprise ls " + shell_word(candidate_);
  if (only_) return "reprise show " + shell_word(base_) + " " + std::to_string(first_.value);
  return "reprise diff " + shell_word(base_) + " " + shell_word(candidate_) + " --only " +
         std::to_string(first_.value) + " --full";
}

}  // namespace

std::unique_ptr<Command> make_diff_command() { return std::make_unique<DiffCommand>(); }

}  // namespace reprise::cli
