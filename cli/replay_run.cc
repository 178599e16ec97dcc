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

// While it lives, a standard stream of what is started is another descriptor.
class Redirected {
 public:
  Redirected(int stream, int to) : stream_(stream), saved_(to == stream ? -1 : ::dup(stream)) {
    if (saved_ >= 0) ::dup2(to, stream_);
  }
  ~Redirected() {
    if (saved_ < 0) return;
    ::dup2(saved_, stream_);
    ::close(saved_);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  int stream_;
  int saved_;
};

tl::expected<void, recorder::Error> launch_redirected(Prepared& prepared,
                                                      const replayer::Plan& plan,
                                                      const RunSetting& setting) {
  const Redirected out(STDOUT_FILENO, setting.out), err(STDERR_FILENO, setting.err);
  return prepared.session->launch(launch_options(plan, prepared.control, setting.directory));
}

bool launch(Prepared& prepared, const replayer::Plan& plan, const RunSetting& setting,
            Terminal& terminal) {
  const auto launched = launch_redirected(prepared, plan, setting);
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
