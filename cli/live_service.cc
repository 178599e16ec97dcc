#include "cli/live_service.h"

namespace reprise::cli {
namespace {

// A session's own work (writing the archive, giving segments back, reaping, relaying signals) need
// not be done more often.
constexpr std::chrono::milliseconds kStepEvery{10};

}  // namespace

void LiveService::drain() {
  session_.drain_now();
  step_when_due();
}

void LiveService::step_when_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_step_) return;
  next_step_ = now + kStepEvery;
  session_.step();
}

bool LiveService::alive() {
  step_when_due();
  return session_.alive();
}

std::optional<event::ProcessExited> LiveService::exited() {
  step_when_due();
  const auto status = session_.exit_status();
  if (!status) return std::nullopt;
  using How = event::ProcessExited::How;
  return event::ProcessExited{status->by_signal ? How::kSignal : How::kCode, status->value};
}

}  // namespace reprise::cli
