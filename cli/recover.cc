// `reprise recover`: finishes the archive of a recorder that was killed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/archive_access.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "event/secrecy.h"
#include "recorder/recover.h"

namespace reprise::cli {
namespace {

using Json = nlohmann::ordered_json;

class RecoverCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  ExitCode list(Terminal& terminal) const;
  ExitCode recover(Terminal& terminal) const;

  std::string session_;
  std::string archive_;
  bool json_ = false;
};

Manual RecoverCommand::manual() const {
  return {
      "recover",
      "finish the archive of a recorder that was killed",
      "[OPTIONS] [SESSION]",
      {"While a service is recorded, what is not in the archive yet lies in shared memory, which "
       "outlives the recorder and the service. `reprise recover SESSION` adds it to the archive, "
       "gives the archive its index, and removes the session. Nothing is recorded twice.",
       "SESSION is the directory of the session. Without it, the sessions of this user that wait "
       "are listed. A session whose recorder is alive is refused. A service that still runs goes "
       "on, unrecorded."},
      {{"reprise recover", "List the sessions that wait."},
       {"reprise recover /dev/shm/reprise-5f0c…", "Finish one."},
       {"reprise recover --archive /data/prod.reprise /dev/shm/reprise-5f0c…",
        "The same when the archive was moved meanwhile."}},
      {{ExitCode::kHeld, "recovered, or listed"},
       {ExitCode::kUsage,
        "bad usage, the session is being recorded, or the archive cannot be "
        "written"}},
      {"record", "verify", "ls"}};
}

void RecoverCommand::declare(Arguments& arguments) {
  arguments.positional(session_, "SESSION", "Directory of the session.", false);
  arguments.option(archive_, "--archive", "FILE", "Where the session's archive is now.");
  arguments.flag(json_, "--json", "Print JSON: one object a line, or what was recovered.");
}

ExitCode RecoverCommand::run(Terminal& terminal) {
  return session_.empty() ? list(terminal) : recover(terminal);
}

ExitCode RecoverCommand::list(Terminal& terminal) const {
  const auto sessions = recorder::find_sessions(recorder::session_parents());
  std::string waiting;
  for (const recorder::FoundSession& session : sessions) {
    if (!session.recording && waiting.empty()) waiting = session.path;
    if (json_) {
      terminal.out() << Json{{"session", session.path},
                             {"archive", session.notes.archive},
                             {"program", event::masked_command(session.notes.command)},
                             {"started_unix_ns", session.notes.started_unix_ns},
                             {"recording", session.recording}}
                            .dump(-1, ' ', false, Json::error_handler_t::replace)
                     << "\n";
      continue;
    }
    terminal.out() << fmt::format(
        "{}\n    {} of {} {}: {}\n    archive {}\n", session.path,
        session.recording ? "being recorded since" : "waits;",
        date_text(session.notes.started_unix_ns), time_text(session.notes.started_unix_ns),
        command_text(session.notes.command), printable(session.notes.archive));
  }
  if (sessions.empty()) terminal.err() << "no session waits to be recovered\n";
  if (!waiting.empty()) terminal.next("reprise recover " + shell_word(waiting));
  return ExitCode::kHeld;
}

ExitCode RecoverCommand::recover(Terminal& terminal) const {
  const auto result = recorder::recover(session_, archive_);
  if (!result) {
    terminal.error(result.error().message);
    return ExitCode::kUsage;
  }
  auto reader = open_archive(result->archive, terminal);
  if (!reader) return reader.error();
  const archive::Trailer whole = (*reader)->trailer().value_or(archive::Trailer{});
  if (json_) {
    terminal.out() << Json{{"archive", result->archive},
                           {"was_finished", result->was_finished},
                           {"service_lives", result->service_lives},
                           {"was_replay", result->was_replay},
                           {"exchanges", (*reader)->exchange_count()},
                           {"calls", (*reader)->call_count()},
                           {"gaps", whole.gaps},
                           {"dropped", whole.dropped}}
                          .dump(-1, ' ', false, Json::error_handler_t::replace)
                   << "\n";
  } else if (result->was_finished) {
    terminal.err() << "reprise: " << printable(result->archive) << " was finished already\n";
  } else if (result->was_replay) {
    terminal.err() << "reprise: this was a replay; " << printable(result->archive)
                   << " stays as it was cut off, and the replay can be made anew\n";
  } else {
    terminal.err() << fmt::format("reprise: recovered {}, {}, {} in {}\n",
                                  count_text((*reader)->exchange_count(), "exchange"),
                                  count_text((*reader)->call_count(), "call"),
                                  count_text(whole.gaps, "gap"), printable(result->archive));
    if (result->service_lives) {
      terminal.err() << "note: the service still runs; it is not recorded any more\n";
    }
  }
  terminal.next("reprise ls " + shell_word(result->archive));
  return ExitCode::kHeld;
}

}  // namespace

std::unique_ptr<Command> make_recover_command() { return std::make_unique<RecoverCommand>(); }

}  // namespace reprise::cli
