#include "event/idling.h"

#include <cerrno>
#include <cstdint>
#include <variant>

namespace reprise::event {
namespace {

enum class Step : std::uint8_t {
  kWork,    // I/O that was done: what is drawn from here on is an exchange's own
  kIdling,  // there was nothing to do, or something to look at
  kNeither,
};

// Connects are neither: a pool makes them now for this exchange and now for that, and a readiness
// wait that reports one complete is followed by the same draws as any other.
Step step_of(const Fact& fact) {
  if (const auto* waited = std::get_if<Waited>(&fact)) {
    return waited->ready.empty() ? Step::kNeither : Step::kIdling;
  }
  if (const auto* received = std::get_if<BytesReceived>(&fact)) {
    return received->error == EAGAIN ? Step::kIdling : Step::kWork;
  }
  if (const auto* sent = std::get_if<SendFinished>(&fact)) {
    return sent->error == EAGAIN ? Step::kIdling : Step::kNeither;
  }
  const bool work = std::holds_alternative<SendIntended>(fact) ||
                    std::holds_alternative<FileRangeSent>(fact) ||
                    std::holds_alternative<Accepted>(fact);
  return work ? Step::kWork : Step::kNeither;
}

}  // namespace

void Idling::add(const Event& event) {
  if (std::holds_alternative<ThreadEnded>(event.fact)) {
    threads_.erase(event.thread);
  } else if (const Step step = step_of(event.fact); step != Step::kNeither) {
    threads_[event.thread] = step == Step::kIdling;
  }
}

bool Idling::is(ThreadId thread) const {
  const auto found = threads_.find(thread);
  return found != threads_.end() && found->second;
}

}  // namespace reprise::event
