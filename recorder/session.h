// One recording session: the arena, the service that is started with the agent in it, and the
// archive.
//
//   create()  checks the program, makes the arena and the archive; nothing runs yet
//   launch()  starts the service
//   step()    whenever wait_fd() is readable: drains, writes, reaps, relays signals
//   finish()  after alive() turned false: completes the archive
//
// A session does not end with the process it started but with the last process of the service, and
// then goes on until the archive is whole. Nothing it meets stops or harms the service.
//
// A recording keeps a journal (recorder/journal.h). A replay makes events of what it sees at once,
// as it acts on them: it adds an observer, asks context_of() and calls drain_now(). One that does
// not depend on whose work the service does keeps a journal, too (recorder/watched_journal.h).
//
// Ownership: owns everything of the session; what the observers see lives for the call. Threading:
// one thread. It changes process-wide state: signal mask and child subreaper.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "archive/writer.h"
#include "event/event.h"
#include "recorder/arena.h"
#include "recorder/child_process.h"
#include "recorder/environment.h"
#include "recorder/error.h"
#include "recorder/journal.h"
#include "recorder/page_compression.h"

namespace reprise::recorder {

struct SessionOptions {
  std::vector<std::string> command;  // program and arguments of the service
  std::string agent_library;         // absolute path of the library to preload
  std::string archive;               // file to write; "" for none, which only a replay can do
  archive::WriterOptions writer;
  ArenaPlacement arena;
  Compression compression = Compression::kAuto;  // of a recording
  bool lossless = false;
  bool replay = false;
  bool waits_for_doorbell = true;  // false: the caller waits for the arena's doorbell itself
  std::string replay_of;           // session of the archive that is replayed
  // Of a replay: not 0 when only this exchange is, with all before it if `replayed_prefix`.
  std::uint64_t replayed_only = 0;
  bool replayed_prefix = false;
  // Of a replay with an archive: that is a journal. Observers are told of processes, threads,
  // connections, and what goes over those that the service opened; context_of() and exchange() know
  // nothing.
  bool derives_later = false;
  // Of a replay: what the nth exchange, from 1, on a connection that stands for `recorded` is
  // there.
  std::function<std::uint64_t(event::ConnectionId recorded, std::uint64_t nth)> recorded_ordinals;
  std::string reprise_version;                     // for the archive's header
  std::function<void(const std::string&)> remark;  // what the user should know, while it goes on
};

struct LaunchOptions {
  std::vector<std::pair<std::string, std::string>> environment;  // more of it, for the service only
  bool fixed_addresses = false;   // without address space randomisation
  std::string working_directory;  // of the service, "" for the recorder's; not with a launcher
  // Away from the recorder's process group: what the service does to its own (some servers end
  // their workers by a signal to all of it) does not reach whoever started us. Not with a launcher.
  bool own_group = false;
  // For a program that starts the service in its turn (a debugger): given the service's command and
  // environment, the command to execute instead. It runs with the recorder's own environment.
  std::function<std::vector<std::string>(const std::vector<std::string>& command,
                                         const Environment& environment)>
      launcher;
};

struct SessionSummary {
  JournalCounts counts;  // of a recording
  std::uint64_t archive_bytes = 0;
  std::optional<ExitStatus> exit;  // of the process that was started
  bool captured = false;           // some process of the service had the agent in it
};

class Session {
 public:
  [[nodiscard]] static tl::expected<std::unique_ptr<Session>, Error> create(SessionOptions options);
  virtual ~Session() = default;  // without finish() the session waits for `reprise recover`

  // Of a replay.
  virtual void add_observer(event::Observer& observer) = 0;
  // Where a file belongs that the service maps beside the arena.
  virtual std::string shared_file(const std::string& name) const = 0;
  virtual Arena& arena() = 0;
  virtual const std::string& directory() const = 0;

  [[nodiscard]] virtual tl::expected<void, Error> launch(const LaunchOptions& options) = 0;

  // Readable when step() has something to do; time is part of that.
  virtual int wait_fd() const = 0;
  virtual void step() = 0;
  // Blocks until wait_fd() is readable, `timeout_ms` at most (-1 for ever), then does a step.
  virtual void wait(int timeout_ms) = 0;
  // Hands everything that is committed now to the observers.
  virtual void drain_now() = 0;

  // Whether any process of the service is left.
  virtual bool alive() const = 0;
  // Whether the agent has started in some process of it.
  virtual bool captured() const = 0;
  virtual std::optional<ExitStatus> exit_status() const = 0;
  virtual pid_t pid() const = 0;  // that launch() started
  // Sends a signal to the service: to the process that was started, or when that has ended to what
  // it left running.
  virtual void signal(int number) = 0;
  // Whether this process was asked to end, which was meant for the service: whoever would go on to
  // another session should not.
  virtual bool interrupted() const = 0;
  // Of a replay: for whom the thread in that ThreadSlot works now.
  virtual event::Context context_of(std::uint32_t thread_slot) = 0;
  // Of a replay: an exchange that is not long over, an open connection; null for others.
  virtual const event::Exchange* exchange(event::ExchangeId id) = 0;
  virtual const event::Connection* connection(event::ConnectionId id) = 0;

  // Removes archive and session directory again: nothing was started.
  virtual void discard() = 0;
  // Completes the archive and removes the session directory. When the archive cannot be completed
  // the directory stays, and the error says what to do.
  [[nodiscard]] virtual tl::expected<SessionSummary, Error> finish() = 0;
};

// The agent's library beside the running program: installed (../lib/reprise), or as Bazel builds
// it. `name` is "libreprise.so" or "libreprise-replay.so".
[[nodiscard]] tl::expected<std::string, Error> find_agent_library(const std::string& name);

}  // namespace reprise::recorder
