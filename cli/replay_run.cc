#include "cli/replay_run.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "cli/live_service.h"
#include "recorder/session.h"
#include "replayer/conductor.h"
#include "replayer/engine.h"
#include "replayer/live/live_replay.h"
#include "replayer/schedules.h"

namespace reprise::cli {
namespace {

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

bool launch(Prepared& prepared, const replayer::Plan& plan, const RunSetting& setting,
            Terminal& terminal) {
  const OutputAside aside(setting.output_aside);
  const auto launched =
      prepared.session->launch(launch_options(plan, prepared.control, setting.directory));
  if (!launched) terminal.error(launched.error().message);
  return launched.has_value();
}

std::unique_ptr<replayer::Conductor> drive_by(const replayer::Plan& plan,
                                              replayer::Control& control,
                                              const RunSetting& setting) {
  if (setting.schedule.is_live()) {
    replayer::LiveOptions options = setting.schedule.live();
    options.on_miss = setting.on_miss;
    options.on_progress = setting.on_progress;
    return std::make_unique<replayer::LiveReplay>(plan, control, std::move(options));
  }
  replayer::EngineOptions options;
  options.on_miss = setting.on_miss;
  options.real_time = setting.real_time;
  options.on_progress = setting.on_progress;
  return std::make_unique<replayer::Engine>(
      plan, control, replayer::make_schedule(setting.schedule.name()), std::move(options));
}

}  // namespace

tl::expected<RunResult, ExitCode> run_replay(const replayer::Plan& plan, const RunSetting& setting,
                                             Terminal& terminal) {
  ReplayTarget target = setting.target;
  target.derives_later =
      setting.schedule.is_live() && !replayer::needs_contexts(plan, setting.schedule.live());
  auto prepared = prepare_replay(plan, target, terminal);
  if (!prepared) return tl::unexpected(prepared.error());
  recorder::Session& session = *prepared->session;
  const auto driven = drive_by(plan, prepared->control, setting);
  session.add_observer(*driven);
  if (!launch(*prepared, plan, setting, terminal)) {
    session.discard();
    return tl::unexpected(ExitCode::kUsage);
  }
  LiveService service(session);
  const auto replayed = driven->run(service);
  if (!replayed) terminal.error(replayed.error().message);
  const auto summary = session.finish();
  if (!summary) terminal.error(summary.error().message);
  if (!replayed || !summary) return tl::unexpected(ExitCode::kUsage);
  return RunResult{driven->ledger(), session.interrupted()};
}

}  // namespace reprise::cli
