#include "recorder/session.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "recorder/archive_sink.h"
#include "recorder/collector.h"
#include "recorder/doorbell.h"
#include "recorder/drain.h"
#include "recorder/journal.h"
#include "recorder/pace.h"
#include "recorder/process_watch.h"
#include "recorder/session_directory.h"
#include "recorder/signal_relay.h"
#include "recorder/surroundings.h"
#include "recorder/target.h"
#include "recorder/watched_journal.h"

namespace reprise::recorder {
namespace {

constexpr std::uint64_t kSweepEveryNs = 250'000'000;
// What is drained is written at the latest after this long, at the earliest in blocks worth having.
constexpr std::uint64_t kFlushEveryNs = 250'000'000;
constexpr std::uint64_t kFlushBytes = 256 * 1024;
// Drained in one go: a full arena is given back, and a heartbeat seen, piece by piece.
constexpr std::uint64_t kPassBytes = 4 * 1024 * 1024;
constexpr double kFlushFill = 0.25;
// An agent says hello before main(); a machine under load may take a while to get there.
constexpr std::uint64_t kHelloNs = 5'000'000'000;

std::string host_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "";
}

std::int64_t unix_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

archive::Header make_header(const SessionOptions& options, const SessionNotes& notes,
                            const StampClock& clock) {
  archive::Header header;
  header.session = notes.session;
  header.reprise_version = options.reprise_version;
  header.command = options.command;
  std::error_code ignored;
  header.working_directory = std::filesystem::current_path(ignored).string();
  header.host = host_name();
  header.replay = options.replay;
  header.replay_of = options.replay_of;
  header.replayed_only = options.replayed_only;
  header.replayed_prefix = options.replayed_prefix;
  header.stamps_per_second = clock.ticks_per_second;
  header.epoch = {clock.epoch};
  header.realtime_epoch_ns = static_cast<std::int64_t>(clock.realtime_epoch_ns);
  header.monotonic_epoch_ns = static_cast<std::int64_t>(clock.monotonic_epoch_ns);
  header.journal = options.replay && !options.derives_later ? 0 : abi::kRecordVersion;
  return header;
}

// LD_PRELOAD is split at colons and spaces, so a library in such a place gets another name.
std::string preloadable(const std::string& library, const SessionDirectory& directory) {
  if (library.find_first_of(": ") == std::string::npos) return library;
  const std::string link = directory.shared_file("agent.so");
  return ::symlink(library.c_str(), link.c_str()) == 0 ? link : library;
}

class LiveSession final : public Session {
 public:
  LiveSession(SessionOptions options, Target target, std::unique_ptr<SignalRelay> signals,
              PlacedSession placed, std::unique_ptr<archive::Writer> writer);
  ~LiveSession() override;

  void add_observer(event::Observer& observer) override {
    if (Collector* collector = this->collector()) collector->add_observer(observer);
  }
  std::string shared_file(const std::string& name) const override {
    return directory_.shared_file(name);
  }
  Arena& arena() override { return arena_; }
  const std::string& directory() const override { return directory_.path(); }
  tl::expected<void, Error> launch(const LaunchOptions& options) override;
  int wait_fd() const override { return epoll_; }
  void step() override;
  void wait(int timeout_ms) override;
  void drain_now() override { drain_.pass(); }
  bool alive() const override { return root_ > 0 && !none_left_; }
  bool captured() const override { return watch_.seen_any(); }
  std::optional<ExitStatus> exit_status() const override { return exit_; }
  pid_t pid() const override { return root_; }
  void signal(int number) override;
  bool interrupted() const override { return signals_->asked_to_end(); }
  event::Context context_of(std::uint32_t slot) override {
    return collector_ ? collector_->context_of(slot) : event::Context::unattributed();
  }
  const event::Exchange* exchange(event::ExchangeId id) override {
    Collector* collector = this->collector();
    return collector == nullptr ? nullptr : collector->exchange(id);
  }
  const event::Connection* connection(event::ConnectionId id) override {
    Collector* collector = this->collector();
    return collector == nullptr ? nullptr : collector->connection(id);
  }
  void discard() override;
  tl::expected<SessionSummary, Error> finish() override;

 private:
  Keeper& keep(const SessionOptions& options);
  // Of a replay; null for a recording.
  Collector* collector() {
    return collector_ ? &*collector_ : watched_ ? &watched_->collector() : nullptr;
  }
  void watch_fd(int fd);
  void remark(const std::string& text) const;
  void reap();
  void relay_signals(std::uint64_t now);
  void drain_and_write(std::uint64_t now);
  void flush(std::uint64_t now);
  void look_after(std::uint64_t now);
  void check_hello(std::uint64_t now);
  void sleep_until(std::uint64_t now, std::uint64_t due);
  archive::Trailer trailer() const;
  SessionSummary summary() const;

  SessionOptions options_;
  Target target_;
  std::unique_ptr<SignalRelay> signals_;
  SessionDirectory directory_;
  Arena arena_;
  std::unique_ptr<archive::Writer> writer_;
  ArchiveSink sink_;
  ProcessWatch watch_;
  LiveSurroundings surroundings_;
  // One of them.
  std::optional<Collector> collector_;          // of a replay
  std::optional<WatchedJournal> watched_;       // of one that derives later
  std::optional<Journal> journal_;              // of a recording
  std::optional<PageCompression> compression_;  // of either journal
  Keeper& keeper_;
  Drain drain_;
  Pace pace_;
  std::unique_ptr<Doorbell> doorbell_;

  int epoll_ = -1;
  int timer_ = -1;
  pid_t root_ = 0;
  bool none_left_ = false;
  bool told_missing_ = false;
  bool starts_late_ = false;  // whoever was launched starts the service when it likes
  bool can_write_ = true;
  std::optional<ExitStatus> exit_;
  std::uint64_t launched_ns_ = 0;
  std::uint64_t next_pass_ns_ = 0, next_sweep_ns_ = 0;
  std::uint64_t unwritten_since_ns_ = 0;  // 0: all that was drained is in the file
};

LiveSession::LiveSession(SessionOptions options, Target target,
                         std::unique_ptr<SignalRelay> signals, PlacedSession placed,
                         std::unique_ptr<archive::Writer> writer)
    : options_(std::move(options)),
      target_(std::move(target)),
      signals_(std::move(signals)),
      directory_(std::move(placed.directory)),
      arena_(std::move(placed.arena)),
      writer_(std::move(writer)),
      sink_(writer_.get()),
      watch_(arena_),
      surroundings_(
          watch_, [this] { return arena_.clock().now(); },
          [this](const event::Bytes& content) { return sink_.store(content); },
          options_.replay ? std::vector<std::string>{} : masked(own_environment())),
      keeper_(keep(options_)),
      drain_(arena_, watch_, keeper_, Drain::Mode::kRecord),
      pace_(arena_.geometry().arena_bytes),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  const bool rings = options_.replay || options_.lossless;
  if (rings && options_.waits_for_doorbell) doorbell_ = std::make_unique<Doorbell>(arena_);
  watch_fd(signals_->fd());
  watch_fd(timer_);
  if (doorbell_ != nullptr) watch_fd(doorbell_->fd());
  if (!placed.remark.empty()) remark(placed.remark);
}

LiveSession::~LiveSession() {
  ::close(epoll_);
  ::close(timer_);
}

Keeper& LiveSession::keep(const SessionOptions& options) {
  if (!options.replay) {
    compression_.emplace(options.compression, *writer_);
    journal_.emplace(*writer_, surroundings_, signals_.get());
    journal_->begin();
    return *journal_;
  }
  CollectorSetting setting;
  setting.surroundings = &surroundings_;
  setting.ticks_per_second = arena_.clock().ticks_per_second;
  setting.recorded_ordinals = options.recorded_ordinals;
  if (options.derives_later) {
    // The clients share the processors with us.
    compression_.emplace(Compression::kNever, *writer_);
    watched_.emplace(*writer_, setting);
    watched_->begin();
  } else {
    collector_.emplace(sink_, setting);
  }
  collector()->add_observer(*signals_);
  return watched_ ? static_cast<Keeper&>(*watched_) : *collector_;
}

void LiveSession::watch_fd(int fd) {
  epoll_event entry{};
  entry.events = EPOLLIN;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &entry);
}

void LiveSession::remark(const std::string& text) const {
  if (options_.remark) options_.remark(text);
}

tl::expected<void, Error> LiveSession::launch(const LaunchOptions& launch) {
  Environment service = own_environment();
  preload(service, preloadable(options_.agent_library, directory_));
  set_variable(service, abi::kArenaVariable, arena_.path());
  for (const auto& [name, value] : launch.environment) set_variable(service, name, value);

  ChildSetting child;
  std::error_code ignored;
  child.path = target_.path;
  if (!launch.working_directory.empty()) {
    child.path = std::filesystem::absolute(target_.path, ignored).string();
  }
  child.command = options_.command;
  child.working_directory = launch.working_directory;
  child.environment = service;
  child.signal_mask = signals_->former_mask();
  child.fixed_addresses = launch.fixed_addresses;
  child.own_group = launch.own_group && !launch.launcher;
  if (launch.launcher) {
    child.working_directory.clear();
    child.command = launch.launcher(target_.command(options_.command), service);
    child.environment = own_environment();
    const auto program = check_target(child.command.front(), variable(child.environment, "PATH"));
    if (!program) return tl::unexpected(program.error());
    child.path = program->path;
  }
  starts_late_ = launch.launcher != nullptr;
  become_subreaper();
  drain_.beat();
  const auto started = start_child(child);
  if (!started) return tl::unexpected(started.error());
  root_ = *started;
  launched_ns_ = monotonic_now_ns();
  sleep_until(launched_ns_, launched_ns_);
  return {};
}

void LiveSession::wait(int timeout_ms) {
  pollfd entry{epoll_, POLLIN, 0};
  if (::poll(&entry, 1, timeout_ms) > 0) step();
}

void LiveSession::step() {
  const std::uint64_t now = monotonic_now_ns();
  if (signals_->read(now)) reap();
  if (doorbell_ != nullptr) {
    doorbell_->clear();
    next_pass_ns_ = 0;  // whoever rang waits
  }
  if (now >= next_sweep_ns_) look_after(now);
  if (now >= next_pass_ns_) drain_and_write(now);
  relay_signals(now);
  std::uint64_t due = std::min(next_pass_ns_, next_sweep_ns_);
  if (const std::uint64_t signal_due = signals_->next_due_ns(); signal_due != 0) {
    due = std::min(due, signal_due);
  }
  sleep_until(now, due);
}

void LiveSession::sleep_until(std::uint64_t now, std::uint64_t due) {
  const std::uint64_t delay = due > now ? due - now : 1;
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(delay / 1'000'000'000);
  time.it_value.tv_nsec = static_cast<long>(delay % 1'000'000'000);
  ::timerfd_settime(timer_, 0, &time, nullptr);
}

void LiveSession::reap() {
  for (const Reaped& child : reap_children(none_left_)) {
    using How = event::ProcessExited::How;
    keeper_.on_status(child.pid,
                      {child.status.by_signal ? How::kSignal : How::kCode, child.status.value});
    if (child.pid == root_) exit_ = child.status;
  }
  next_sweep_ns_ = 0;
}

// --- Signals -------------------------------------------------------------------------------------

void LiveSession::relay_signals(std::uint64_t now) {
  // A service that left for the background does not hear the terminal any more.
  for (const int number : signals_->take_from_terminal()) {
    if (exit_ && number != SIGHUP) signal(number);
  }
  for (const int number : signals_->due(now)) signal(number);
}

void LiveSession::signal(int number) {
  if (root_ > 0 && !exit_) {
    ::kill(root_, number);
    return;
  }
  if (none_left_) return;
  for (const std::int32_t pid : watch_.living()) ::kill(pid, number);
}

// --- Draining ------------------------------------------------------------------------------------

void LiveSession::drain_and_write(std::uint64_t now) {
  const std::uint64_t bytes = drain_.pass(kPassBytes);
  if (bytes > 0 && unwritten_since_ns_ == 0) unwritten_since_ns_ = now;
  const double fill = drain_.fill();
  const bool due = unwritten_since_ns_ != 0 && now - unwritten_since_ns_ >= kFlushEveryNs;
  const bool much = drain_.unsettled_bytes() >= kFlushBytes || fill > kFlushFill;
  if (due || (much && can_write_)) flush(now);
  // A lossless service waits for a recorder that lives; one that cannot write must not stop it.
  if (can_write_ || !options_.lossless) drain_.beat();
  if (bytes >= kPassBytes && can_write_) {
    next_pass_ns_ = now;  // there is more
  } else {
    next_pass_ns_ = now + (can_write_ ? pace_.after_pass(bytes, fill) : pace_.slowest_ns());
  }
}

void LiveSession::flush(std::uint64_t now) {
  unwritten_since_ns_ = now;
  keeper_.hand_on();
  if (writer_ != nullptr) {
    const auto flushed = writer_->flush();
    if (!flushed) {
      if (can_write_) {
        remark(flushed.error().message +
               "; the service runs on, what the arena still takes is kept "
               "and goes to the archive once there is room, the rest is dropped and counted");
      }
      can_write_ = false;
      return;
    }
  }
  if (!can_write_) remark("the archive grows again");
  can_write_ = true;
  unwritten_since_ns_ = 0;
  drain_.settle();
  keeper_.settled();
}

void LiveSession::look_after(std::uint64_t now) {
  drain_.sweep();
  keeper_.age();
  if (compression_) compression_->look(now, watch_.living());
  check_hello(now);
  next_sweep_ns_ = now + kSweepEveryNs;
}

void LiveSession::check_hello(std::uint64_t now) {
  if (told_missing_ || watch_.seen_any() || root_ <= 0) return;
  if (!exit_ && (starts_late_ || now - launched_ns_ < kHelloNs)) return;
  told_missing_ = true;
  const std::string what =
      "the agent did not start in " + options_.command.front() + ": nothing of it is recorded";
  keeper_.on_gap(what, 0);
  remark(what +
         " (did the dynamic linker say why above? does the program clear LD_PRELOAD before it "
         "starts the service, as sudo does?)" +
         (exit_ ? "" : ". The service runs on, unrecorded"));
}

// --- The end -------------------------------------------------------------------------------------

archive::Trailer LiveSession::trailer() const {
  archive::Trailer trailer;
  if (collector_) {
    trailer.unattributed = collector_->counts().unattributed;
  } else {
    const JournalCounts& counts = watched_ ? watched_->counts() : journal_->counts();
    trailer.gaps = counts.gaps;
    trailer.dropped = counts.dropped;
  }
  trailer.exited = exit_.has_value();
  if (exit_) {
    using How = event::ProcessExited::How;
    trailer.exit = {exit_->by_signal ? How::kSignal : How::kCode, exit_->value};
  }
  return trailer;
}

SessionSummary LiveSession::summary() const {
  SessionSummary summary;
  if (journal_) summary.counts = journal_->counts();
  summary.archive_bytes = writer_ == nullptr ? 0 : writer_->bytes_written();
  summary.exit = exit_;
  summary.captured = watch_.seen_any();
  return summary;
}

void LiveSession::discard() {
  writer_.reset();
  if (!options_.archive.empty()) ::unlink(options_.archive.c_str());
  directory_.remove();
}

tl::expected<SessionSummary, Error> LiveSession::finish() {
  if (root_ > 0) {
    reap();
    drain_.finish(none_left_);
    check_hello(monotonic_now_ns());
  }
  keeper_.finish();
  keeper_.hand_on();
  if (writer_ != nullptr) {
    if (auto finished = writer_->finish(trailer()); !finished) {
      return tl::unexpected(Error{finished.error().message + "; what is missing is kept in " +
                                  directory_.path() + ": make room, then `reprise recover " +
                                  directory_.path() + "`"});
    }
  }
  SessionSummary result = summary();
  directory_.remove();
  return result;
}

}  // namespace

tl::expected<std::unique_ptr<Session>, Error> Session::create(SessionOptions options) {
  if (options.command.empty()) return tl::unexpected(Error{"there is no program to record"});
  options.derives_later = options.derives_later && options.replay && !options.archive.empty();
  if (!options.replay && options.archive.empty()) {
    return tl::unexpected(Error{"a recording needs an archive to write"});
  }
  auto target = check_target(options.command.front(), variable(own_environment(), "PATH"));
  if (!target) return tl::unexpected(target.error());

  SessionNotes notes;
  notes.session = random_hex(32);
  std::error_code ignored;
  if (!options.archive.empty()) {
    notes.archive = std::filesystem::absolute(options.archive, ignored).string();
  }
  notes.command = options.command;
  notes.started_unix_ns = unix_now_ns();
  notes.recorder_pid = ::getpid();
  const std::uint32_t flags = (options.lossless ? std::uint32_t{abi::kLossless} : 0) |
                              (options.replay ? std::uint32_t{abi::kReplay} : 0);
  auto signals = std::make_unique<SignalRelay>();
  auto placed = place_session(notes, options.arena, flags);
  if (!placed) return tl::unexpected(placed.error());

  const auto fail = [&](std::string message) {
    placed->directory.remove();
    return tl::unexpected(Error{std::move(message)});
  };
  std::unique_ptr<archive::Writer> writer;
  if (!options.archive.empty()) {
    // All that the arena can hold must find room in memory while the file cannot grow.
    options.writer.backlog_bytes =
        std::max(options.writer.backlog_bytes, 2 * placed->arena.geometry().arena_bytes);
    auto created = archive::Writer::create(
        options.archive, make_header(options, notes, placed->arena.clock()), options.writer);
    if (!created) return fail(created.error().message);
    writer = std::move(*created);
  }
  return std::make_unique<LiveSession>(std::move(options), std::move(*target), std::move(signals),
                                       std::move(*placed), std::move(writer));
}

}  // namespace reprise::recorder
