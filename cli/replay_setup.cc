#include "cli/replay_setup.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "cli/archive_access.h"
#include "cli/text.h"
#include "cli/version.h"
#include "replayer/schedules.h"
#include "replayer/shortfall.h"

namespace reprise::cli {
namespace {

// Every connection of the recording may be open at once.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Why an exchange that was asked for cannot be had; "" when it is there.
std::string not_there(const replayer::Plan& plan, std::optional<event::ExchangeId> wanted,
                      const std::string& archive) {
  if (!wanted || plan.exchange(*wanted) != nullptr) return "";
  const std::string last = plan.exchanges.empty()
                               ? "it has none"
                               : fmt::format("its last is {}", plan.exchanges.back().id.value);
  return fmt::format("{} has no exchange {}: {}; `reprise ls {}` lists those it has", archive,
                     wanted->value, last, shell_word(archive));
}

// What the recording lacks, if that rules a replay out; remarks on the rest.
std::string cannot_replay(const replayer::Plan& plan, std::optional<event::ExchangeId> wanted,
                          const std::string& schedule, const std::string& archive,
                          Terminal& terminal) {
  if (std::string why = not_there(plan, wanted, archive); !why.empty()) return why;
  const bool as_recorded = replayer::make_schedule(schedule)->is_as_recorded();
  const auto shortfall = replayer::Shortfall::of(plan, wanted, as_recorded);
  for (const std::string& remark : shortfall.remarks) {
    terminal.err() << terminal.paint(Style::kWarning, "note: ") << printable(remark) << "\n";
  }
  return shortfall.refusal.empty() ? "" : archive + ": " + printable(shortfall.refusal);
}

std::unique_ptr<recorder::Session> make_session(const replayer::Plan& plan,
                                                const ReplayTarget& target, Terminal& terminal) {
  recorder::SessionOptions options;
  options.command = target.program;
  options.archive = target.output;
  options.writer.overwrite = target.overwrite;
  options.lossless = true;
  options.replay = true;
  options.waits_for_doorbell = false;
  options.replay_of = plan.header.session;
  options.replayed_only = plan.selection.only.value_or(event::ExchangeId{}).value;
  options.replayed_prefix = plan.selection.with_prefix;
  options.derives_later = target.derives_later;
  options.recorded_ordinals = [&plan](event::ConnectionId recorded, std::uint64_t nth) {
    return plan.ordinal_of(recorded, nth);
  };
  options.reprise_version = kVersion;
  options.remark = [&terminal](const std::string& text) { terminal.error(text); };
  const auto agent = recorder::find_agent_library("libreprise-replay.so");
  if (!agent) {
    terminal.error(agent.error().message);
    return nullptr;
  }
  options.agent_library = *agent;
  auto session = recorder::Session::create(std::move(options));
  if (!session) {
    terminal.error(session.error().message);
    return nullptr;
  }
  return *std::move(session);
}

}  // namespace

tl::expected<Recording, ExitCode> open_recording(const std::string& archive,
                                                 const replayer::Selection& selection,
                                                 std::optional<event::ExchangeId> wanted,
                                                 const std::string& schedule, Terminal& terminal) {
  Recording recording;
  auto reader = open_archive(archive, terminal);
  if (!reader) return tl::unexpected(reader.error());
  recording.reader = *std::move(reader);
  auto plan = replayer::Plan::read(*recording.reader, selection);
  if (!plan) {
    terminal.error(plan.error().message);
    return tl::unexpected(ExitCode::kUsage);
  }
  recording.plan = *std::move(plan);
  recording.damaged = remark_on_state(*recording.reader, archive, terminal) == ExitCode::kDamaged;
  if (const std::string why = cannot_replay(*recording.plan, wanted, schedule, archive, terminal);
      !why.empty()) {
    terminal.error(why);
    return tl::unexpected(recording.damaged ? ExitCode::kDamaged : ExitCode::kUsage);
  }
  return recording;
}

tl::expected<Prepared, ExitCode> prepare_replay(const replayer::Plan& plan,
                                                const ReplayTarget& target, Terminal& terminal) {
  raise_descriptor_limit();
  auto session = make_session(plan, target, terminal);
  if (session == nullptr) return tl::unexpected(ExitCode::kUsage);
  auto control = replayer::Control::create(session->shared_file("control"),
                                           session->arena().geometry().thread_count, plan);
  if (!control) {
    terminal.error(control.error().message);
    session->discard();
    return tl::unexpected(ExitCode::kUsage);
  }
  control->want_leak_watch();
  return Prepared{std::move(session), *std::move(control)};
}

tl::expected<std::string, ExitCode> service_directory(const replayer::Plan& plan,
                                                      const std::string& wanted,
                                                      Terminal& terminal) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto can_enter = [&](const std::string& directory) {
    return fs::is_directory(directory, error) && ::access(directory.c_str(), X_OK) == 0;
  };
  if (!wanted.empty()) {
    if (can_enter(wanted)) return wanted;
    terminal.error("--directory: " + wanted + " is no directory that can be entered");
    return tl::unexpected(ExitCode::kUsage);
  }
  const std::string& recorded = plan.header.working_directory;
  if (recorded.empty() || fs::equivalent(recorded, ".", error)) return std::string();
  if (!can_enter(recorded)) {
    terminal.error("the recorded service ran in " + printable(recorded) +
                   ", which is not here: this one runs in the current directory");
    return std::string();
  }
  terminal.error("the service runs in " + printable(recorded) +
                 ", as the recorded one did; `--directory .` keeps it here");
  return recorded;
}

std::vector<replayer::FileDifference> remark_on_files(const replayer::Plan& plan,
                                                      const std::string& directory,
                                                      Terminal& terminal) {
  constexpr std::size_t kMostTold = 5;
  auto differing =
      replayer::differing_files(plan.start_files, plan.header.working_directory, directory);
  for (std::size_t i = 0; i < differing.size() && i < kMostTold; ++i) {
    terminal.error(printable(replayer::file_difference_text(differing[i])));
  }
  if (differing.size() > kMostTold) {
    terminal.error(fmt::format("and {} more files that it read at start; --json lists them",
                               differing.size() - kMostTold));
  }
  return differing;
}

recorder::LaunchOptions launch_options(const replayer::Plan& plan, const replayer::Control& control,
                                       const std::string& directory) {
  recorder::LaunchOptions options;
  // Addresses are values like any other: hashed, printed, used to sort.
  options.fixed_addresses = true;
  options.own_group = true;
  options.working_directory = directory;
  // What the caller sets wins: that is how one looks at another configuration.
  for (const auto& [name, value] : plan.environment) {
    if (::getenv(name.c_str()) == nullptr) options.environment.emplace_back(name, value);
  }
  options.environment.emplace_back(abi::kControlVariable, control.path());
  return options;
}

}  // namespace reprise::cli
