// `reprise stats`: what an archive is and how much is in it.
#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/archive_access.h"
#include "cli/archive_totals.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "event/secrecy.h"

namespace reprise::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string exit_text(const archive::Trailer& counts) {
  if (!counts.exited) return "was still running";
  if (counts.exit.how == event::ProcessExited::How::kCode) {
    return fmt::format("with code {}", counts.exit.value);
  }
  const char* name = sigabbrev_np(counts.exit.value);
  return name == nullptr ? fmt::format("killed by signal {}", counts.exit.value)
                         : fmt::format("killed by signal {} (SIG{})", counts.exit.value, name);
}

Json exit_json(const archive::Trailer& counts) {
  if (!counts.exited) return nullptr;
  const bool code = counts.exit.how == event::ProcessExited::How::kCode;
  return Json{{code ? "code" : "signal", counts.exit.value}};
}

class StatsCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  void print(const archive::Header& header, const ArchiveTotals& totals, Terminal& terminal) const;
  void print_json(const archive::Header& header, const ArchiveTotals& totals,
                  Terminal& terminal) const;

  std::string archive_;
  bool json_ = false;
};

Manual StatsCommand::manual() const {
  return {
      "stats",
      "say what an archive is and how much is in it",
      "[OPTIONS] ARCHIVE",
      {"Prints which program was recorded, when and where, how it ended, and how many events, "
       "exchanges, external calls and connections the archive holds. Gaps are places where "
       "records were lost; dropped is how many. Unattributed are calls and draws whose exchange "
       "could not be told for certain. Passwords and the like in the program's arguments show as "
       "***.",
       "The numbers of a finished archive come from its end. One that was cut off is read as a "
       "whole."},
      {{"reprise stats prod.reprise", "For people."},
       {"reprise stats prod.reprise --json | jq .dropped", "For programs."}},
      {{ExitCode::kHeld, "printed"},
       {ExitCode::kUsage, "bad usage, or the archive cannot be read"},
       {ExitCode::kDamaged, "the archive is damaged; what is whole was counted"}},
      {"ls", "verify"}};
}

void StatsCommand::declare(Arguments& arguments) {
  arguments.positional(archive_, "ARCHIVE", "A recording, or the archive of a replay.");
  arguments.flag(json_, "--json", "Print one JSON object.");
}

ExitCode StatsCommand::run(Terminal& terminal) {
  auto reader = open_archive(archive_, terminal);
  if (!reader) return reader.error();
  const ArchiveTotals totals = totals_of(**reader);
  if (json_) {
    print_json((*reader)->header(), totals, terminal);
  } else {
    print((*reader)->header(), totals, terminal);
  }
  const ExitCode code = remark_on_state(**reader, archive_, terminal);
  if (!json_) terminal.next("reprise ls " + shell_word(archive_));
  return code;
}

void StatsCommand::print(const archive::Header& header, const ArchiveTotals& totals,
                         Terminal& terminal) const {
  const archive::Trailer& counts = totals.counts;
  const auto line = [&](const char* name, const std::string& value, Style style = Style::kPlain) {
    terminal.out() << terminal.paint(Style::kDim, fmt::format("{:<13}", name))
                   << terminal.paint(style, value) << "\n";
  };
  line("program", command_text(header.command));
  line("in", printable(header.working_directory) + " on " + printable(header.host));
  line("began",
       date_text(header.realtime_epoch_ns) + " " + time_text(header.realtime_epoch_ns) + " UTC");
  line("by", "reprise " + printable(header.reprise_version) +
                 (header.replay ? ", a replay of session " + printable(header.replay_of) : ""));
  line(
      "exit",
      totals.counted && !counts.exited ? "not known: the recording was cut off" : exit_text(counts),
      counts.exited && counts.exit.how == event::ProcessExited::How::kSignal ? Style::kBad
                                                                             : Style::kPlain);
  line("events", std::to_string(counts.events));
  line("exchanges", std::to_string(counts.exchanges));
  line("calls", std::to_string(counts.calls));
  line("connections", std::to_string(counts.connections));
  const auto problem = [](std::uint64_t count) { return count == 0 ? Style::kGood : Style::kBad; };
  line("gaps", std::to_string(counts.gaps), problem(counts.gaps));
  line("dropped", count_text(counts.dropped, "record"), problem(counts.dropped));
  line("unattributed", std::to_string(counts.unattributed),
       counts.unattributed == 0 ? Style::kGood : Style::kWarning);
}

void StatsCommand::print_json(const archive::Header& header, const ArchiveTotals& totals,
                              Terminal& terminal) const {
  const archive::Trailer& counts = totals.counts;
  Json json;
  json["program"] = header.command.empty() ? "" : header.command.front();
  json["command"] = event::masked_command(header.command);
  json["session"] = header.session;
  json["replay"] = header.replay;
  json["exit"] = exit_json(counts);
  json["events"] = counts.events;
  json["exchanges"] = counts.exchanges;
  json["calls"] = counts.calls;
  json["connections"] = counts.connections;
  json["gaps"] = counts.gaps;
  json["dropped"] = counts.dropped;
  json["unattributed"] = counts.unattributed;
  json["finished"] = !totals.counted;
  json["recovered"] = counts.recovered;
  terminal.out() << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace

std::unique_ptr<Command> make_stats_command() { return std::make_unique<StatsCommand>(); }

}  // namespace reprise::cli
