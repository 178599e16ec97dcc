#include "cli/replay_run.h"

#include <unistd.h>

#include <utility>

#include "cli/live_service.h"
#include "recorder/session.h"
#include "replayer/engine.h"
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

}  // namespace

tl::expected<RunResult, ExitCode> run_replay(const replayer::Plan& plan, const RunSetting& setting,
                                             Terminal& terminal) {
  auto prepared = prepare_replay(plan, setting.target, terminal);
  if (!prepared) return tl::unexpected(prepared.error());
  recorder::Session& session = *prepared->session;
  const auto schedule = replayer::make_schedule(setting.schedule);
  replayer::EngineOptions options;
  options.on_miss = setting.on_miss;
  options.real_time = setting.real_time;
  options.on_progress = setting.on_progress;
  replayer::Engine engine(plan, prepared->control, *schedule, std::move(options));
  session.add_observer(engine);
  if (!launch(*prepared, plan, setting, terminal)) {
    session.discard();
    return tl::unexpected(ExitCode::kUsage);
  }
  LiveService service(session);
  const auto replayed = engine.run(service);
  if (!replayed) terminal.error(replayed.error().message);
  const auto summary = session.finish();
  if (!summary) terminal.error(summary.error().message);
  if (!replayed || !summary) return tl::unexpected(ExitCode::kUsage);
  return RunResult{engine.ledger(), session.interrupted()};
}

}  // namespace reprise::cli
