// `reprise record`: starts a service and records it.
#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <optional>
#include <ostream>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/size.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/version.h"
#include "recorder/session.h"

namespace reprise::cli {
namespace {

class RecordCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  recorder::Compression compression() const;
  std::optional<recorder::SessionOptions> session_options(Terminal& terminal) const;
  void print_summary(const recorder::SessionSummary& summary, const std::string& archive,
                     Terminal& terminal) const;

  std::string output_;
  std::string arena_size_;
  std::string arena_directory_;
  std::string compress_ = "auto";
  bool overwrite_ = false;
  bool lossless_ = false;
  std::vector<std::string> program_;
};

Manual RecordCommand::manual() const {
  return {
      "record",
      "start a service and record what it sees",
      "[OPTIONS] -- PROGRAM [ARG…]",
      {"Starts PROGRAM with its own standard input, output and error, and writes into an archive "
       "what it receives and sends, what it calls, which clock values and random numbers it drew. "
       "The archive is for `reprise ls`, `show`, `replay`, `debug` and `diff`.",
       "While the service runs nothing is worked out: the archive is a journal of what the service "
       "did. The first command that reads it finds the exchanges in it, once, on whatever machine "
       "that is; copy it away first if this one has no time for that.",
       "The service does not wait for the recorder and is not harmed by it. Records go through an "
       "arena of shared memory that outlives both sides: when the service crashes or is killed, "
       "what it did up to its last instruction is in the archive; when the recorder is killed, "
       "`reprise recover` finishes the archive. When the service is faster than the recorder and "
       "the arena is full, records are dropped, the gap is counted in the archive and exchanges it "
       "touches are marked incomplete; with --lossless the service waits instead.",
       "Signals sent to `reprise record` are passed on, Ctrl-C reaches the service by the terminal "
       "as usual, and the exit status is that of PROGRAM (128 + N when signal N ended it). "
       "Recording goes on until the last process of the service has ended, also when it put itself "
       "into the background.",
       "PROGRAM must be a 64-bit program that is linked dynamically against glibc, or a script for "
       "one. Programs that gain privileges when they start (setuid, file capabilities) and static "
       "ones are refused, and what to do instead is said.",
       "The archive holds what the service saw, secrets in its traffic included. Of the "
       "environment, values whose names look like secrets (…TOKEN…, …SECRET…, …PASSWORD…, …KEY…) "
       "are masked. In arguments and in traffic they are kept, and masked where they are shown."},
      {{"reprise record -o prod.reprise -- ./service --port 8080",
        "Record until the service ends."},
       {"reprise record --lossless -o upload.reprise -- ./service",
        "Let the service wait rather than lose a byte."},
       {"reprise record --arena-size 256M -- nginx -g 'daemon off;'",
        "Room for longer bursts; the archive is named after program and time."}},
      {{ExitCode::kUsage,
        "the service was not started: bad usage, PROGRAM cannot be recorded, the "
        "archive cannot be written or exists"}},
      {"recover", "ls", "replay"}};
}

void RecordCommand::declare(Arguments& arguments) {
  arguments.option(output_, "-o,--output", "FILE",
                   "Archive to write. Default: PROGRAM-DATE-TIME.reprise in this directory.");
  arguments.flag(overwrite_, "--overwrite", "Replace FILE if it exists.");
  arguments.flag(lossless_, "--lossless",
                 "When the arena is full the service waits for the recorder instead of dropping "
                 "records, as long as the recorder lives and can write.");
  arguments.choice(compress_, "--compress", {"auto", "always", "never"},
                   "Compress the archive while the service runs: as long as that costs next to "
                   "nothing beside what the service takes (auto), always, which keeps the file "
                   "small, or never, which keeps the recorder's processor time low. The first "
                   "command that reads the archive makes it small in any case.");
  arguments.option(arena_size_, "--arena-size", "SIZE",
                   "Shared memory between service and recorder, for example 16M. Default: 64M, or "
                   "less where there is less room. Each thread of the service that does I/O takes "
                   "at least 16K of it.");
  arguments.option(
      arena_directory_, "--arena-dir", "DIR",
      "Where the arena lies. Default: /dev/shm, or $TMPDIR or /tmp when that is full.");
  arguments.program(program_, true, "The service to start and its arguments.");
}

// "nginx-20240501-120344.reprise"
std::string default_name(const std::string& program) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char time[32] = "";
  std::strftime(time, sizeof time, "%Y%m%d-%H%M%S", &local);
  return fmt::format("{}-{}.reprise", std::filesystem::path(program).filename().string(), time);
}

recorder::Compression RecordCommand::compression() const {
  if (compress_ == "always") return recorder::Compression::kAlways;
  return compress_ == "never" ? recorder::Compression::kNever : recorder::Compression::kAuto;
}

std::optional<recorder::SessionOptions> RecordCommand::session_options(Terminal& terminal) const {
  recorder::SessionOptions options;
  options.command = program_;
  options.archive = output_.empty() ? default_name(program_.front()) : output_;
  options.writer.overwrite = overwrite_;
  options.compression = compression();
  options.lossless = lossless_;
  options.reprise_version = kVersion;
  options.remark = [&terminal](const std::string& text) { terminal.error(text); };
  if (!arena_directory_.empty()) options.arena.parent = arena_directory_;
  if (!arena_size_.empty()) {
    const auto bytes = parse_size(arena_size_);
    if (!bytes || *bytes < 1024 * 1024 || *bytes > std::uint64_t{64} << 30) {
      terminal.error("record: --arena-size " + printable(arena_size_) +
                     ": give a size between 1M and 64G, for example 64M");
      return std::nullopt;
    }
    options.arena.bytes = *bytes;
  }
  const auto agent = recorder::find_agent_library("libreprise.so");
  if (!agent) {
    terminal.error(agent.error().message);
    return std::nullopt;
  }
  options.agent_library = *agent;
  return options;
}

ExitCode RecordCommand::run(Terminal& terminal) {
  auto options = session_options(terminal);
  if (!options) return ExitCode::kUsage;
  const std::string archive = options->archive;
  auto session = recorder::Session::create(std::move(*options));
  if (!session) {
    terminal.error(session.error().message);
    return ExitCode::kUsage;
  }
  if (const auto launched = (*session)->launch({}); !launched) {
    terminal.error(launched.error().message);
    (*session)->discard();
    return ExitCode::kUsage;
  }
  while ((*session)->alive()) (*session)->wait(-1);
  const auto status = (*session)->exit_status();
  const auto summary = (*session)->finish();
  if (!summary) {
    terminal.error(summary.error().message);
  } else {
    print_summary(*summary, archive, terminal);
  }
  // The service's own status is passed on, whatever became of the archive.
  return static_cast<ExitCode>(status ? status->shell_code() : 0);
}

void RecordCommand::print_summary(const recorder::SessionSummary& summary,
                                  const std::string& archive, Terminal& terminal) const {
  const recorder::JournalCounts& counts = summary.counts;
  std::string line = count_text(counts.accepted, "connection") + " from clients, " +
                     count_text(counts.opened, "connection") + " to others, " +
                     size_text(counts.received) + " received, " + size_text(counts.sent) +
                     " sent, " + count_text(counts.gaps, "gap");
  if (counts.dropped != 0) line += fmt::format(" ({} lost)", count_text(counts.dropped, "record"));
  line += fmt::format("; {} in {}", size_text(summary.archive_bytes), printable(archive));
  terminal.err() << "reprise: recorded " << line << "\n";
  if (counts.unread_tls != 0) {
    terminal.error(count_text(counts.unread_tls, "connection") +
                   " spoke TLS through a library that cannot be read, such as one linked into the "
                   "program: recorded as opaque bytes (docs/tls.md)");
  }
  if (counts.sandboxed != 0) {
    terminal.error(
        "the service forbids by seccomp system calls that Reprise would make in it: they are left "
        "out, and what they tell is not recorded (docs/programs.md)");
  }
  terminal.next("reprise ls " + shell_word(archive));
}

}  // namespace

std::unique_ptr<Command> make_record_command() { return std::make_unique<RecordCommand>(); }

}  // namespace reprise::cli
