#include "replayer/ending.h"

#include <signal.h>

#include <cstring>
#include <thread>

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr char kRootPath[] = "0";
// Real time a service has to end of itself, and after a signal of ours, before it is killed.
constexpr seconds kPatience{5};

std::string words(const event::ProcessExited& exit) {
  return exit.how == event::ProcessExited::How::kCode
             ? "exit code " + std::to_string(exit.value)
             : "signal " + std::to_string(exit.value) + " (" + ::strsignal(exit.value) + ")";
}

}  // namespace

void Ending::send(int signal, const std::string& process) {
  if (process == kRootPath || process.empty()) {
    stage_.service.signal(signal);
    signalled_ = true;
  } else if (const auto pid = threads_.pid_of(process)) {
    ::kill(*pid, signal);
  }
}

bool Ending::step() {
  const RecordedEnd& end = stage_.plan.end;
  if (signalled_) return true;
  // A signal that was waited for (sigwait, signalfd) and not handled is not in a recording. What
  // ends services is SIGTERM, so that is what most of those were.
  signalled_ = true;
  ours_ = end.signal == 0;
  stage_.service.signal(ours_ ? SIGTERM : end.signal);
  return true;
}

bool Ending::wait_for_end() {
  const auto limit = steady_clock::now() + kPatience;
  bool told = false;
  while (stage_.service.alive() && steady_clock::now() < limit) {
    // What outlives the root process is not waited for: nothing more is coming to it.
    if (stage_.service.exited() && !std::exchange(told, true)) stage_.service.signal(SIGTERM);
    take_in_();
    std::this_thread::sleep_for(milliseconds(1));
  }
  return !stage_.service.alive();
}

void Ending::finish() {
  stage_.control.let_time_run();
  if (!stage_.service.exited() && !signalled_) stage_.service.signal(SIGTERM);
  if (!wait_for_end()) {
    stage_.ledger.note("the service did not end within " + std::to_string(kPatience.count()) +
                       " s after its signal and was killed");
    abandon();
  }
  take_in_();
  const auto exit = stage_.service.exited();
  stage_.ledger.exit = exit;
  const RecordedEnd& end = stage_.plan.end;
  if (!exit || !end.exit) return;
  if (exit->how == end.exit->how && exit->value == end.exit->value) return;
  // A service that crashed got no signal that the recording could have missed.
  if (ours_ && end.exit->how == event::ProcessExited::How::kCode) {
    stage_.ledger.note("the service did not end of itself, as the recorded one did with " +
                       words(*end.exit) + "; it got SIGTERM and ended with " + words(*exit));
    return;
  }
  stage_.ledger.diverge(
      {{}, Divergence::Kind::kExit, words(*end.exit), ours_ ? "no end of its own" : words(*exit)});
}

void Ending::abandon() {
  const auto limit = steady_clock::now() + kPatience;
  while (stage_.service.alive() && steady_clock::now() < limit) {
    stage_.service.signal(SIGKILL);
    stage_.service.drain();
    std::this_thread::sleep_for(milliseconds(1));
  }
}

}  // namespace reprise::replayer
