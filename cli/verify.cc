// `reprise verify`: whether an archive is whole.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/archive_access.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/text.h"

namespace reprise::cli {
namespace {

using Json = nlohmann::ordered_json;

class VerifyCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  // `file`: what was verified. `events`: what can be read in it, which differs for a journal.
  void print(const archive::Reader& file, const archive::Reader& events, Terminal& terminal) const;
  void print_json(const archive::Reader& file, const archive::Reader& events,
                  Terminal& terminal) const;

  std::string archive_;
  bool json_ = false;
};

Manual VerifyCommand::manual() const {
  return {"verify",
          "check that an archive is whole",
          "[OPTIONS] ARCHIVE",
          {"Reads every block, checks the checksums, decodes every record and compares the index "
           "with what is there. Damage is listed with its place in the file. What is not damaged "
           "stays readable by all other commands.",
           "An archive without an end (its recorder was killed, or is still running) is not whole. "
           "`reprise recover` completes it."},
          {{"reprise verify prod.reprise", "Says whole, or what is not."},
           {"reprise verify --json prod.reprise | jq '.damage[].offset'", "Where the damage is."}},
          {{ExitCode::kHeld, "the archive is whole"},
           {ExitCode::kUsage, "bad usage, or the archive cannot be read"},
           {ExitCode::kDamaged, "damaged, or without an end"}},
          {"recover", "stats"}};
}

void VerifyCommand::declare(Arguments& arguments) {
  arguments.positional(archive_, "ARCHIVE", "The archive to check.");
  arguments.flag(json_, "--json", "Print one JSON object.");
}

ExitCode VerifyCommand::run(Terminal& terminal) {
  auto file = archive::Reader::open(archive_);
  if (!file) {
    terminal.error(file.error().message);
    return exit_code_of(file.error());
  }
  (*file)->verify();
  auto events = open_archive(archive_, terminal);
  if (!events) return events.error();
  if (json_) {
    print_json(**file, **events, terminal);
  } else {
    print(**file, **events, terminal);
  }
  const bool whole = (*file)->is_whole();
  if (!json_) {
    const std::string path = shell_word(archive_);
    terminal.next((*file)->trailer() ? "reprise ls " + path
                                     : "reprise recover " + printable((*file)->header().session));
  }
  return whole ? ExitCode::kHeld : ExitCode::kDamaged;
}

void VerifyCommand::print(const archive::Reader& file, const archive::Reader& events,
                          Terminal& terminal) const {
  std::ostream& out = terminal.out();
  for (const archive::Damage& damage : file.damage()) {
    out << terminal.paint(Style::kBad,
                          fmt::format("at {:>12}  {:>10}", damage.offset, size_text(damage.bytes)))
        << "  " << printable(damage.what) << "\n";
  }
  if (!file.trailer()) {
    out << terminal.paint(Style::kWarning, "no end") << ": the recorder was killed or is still "
        << "running; everything up to here is readable\n";
  }
  if (file.is_whole()) {
    out << terminal.paint(Style::kGood, "whole") << ": ";
  } else {
    out << "readable: ";
  }
  out << count_text(events.exchange_count(), "exchange") << ", "
      << count_text(events.call_count(), "external call") << "\n";
}

void VerifyCommand::print_json(const archive::Reader& file, const archive::Reader& events,
                               Terminal& terminal) const {
  Json json;
  json["whole"] = file.is_whole();
  json["finished"] = file.trailer().has_value();
  json["exchanges"] = events.exchange_count();
  json["calls"] = events.call_count();
  json["damage"] = Json::array();
  for (const archive::Damage& damage : file.damage()) {
    json["damage"].push_back(
        {{"offset", damage.offset}, {"bytes", damage.bytes}, {"what", damage.what}});
  }
  terminal.out() << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace

std::unique_ptr<Command> make_verify_command() { return std::make_unique<VerifyCommand>(); }

}  // namespace reprise::cli
