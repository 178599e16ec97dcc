#include "recorder/signal_relay.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

namespace reprise::recorder {
namespace {

constexpr int kRelayed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

bool asks_to_end(int number) {
  return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

// Longer than it takes the service to run its handler and the recorder to see the record.
constexpr std::uint64_t kGraceNs = 200'000'000;

}  // namespace

SignalRelay::SignalRelay() {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGXFSZ);
  for (const int number : kRelayed) sigaddset(&mask, number);
  ::pthread_sigmask(SIG_BLOCK, &mask, &former_);
  fd_ = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

SignalRelay::~SignalRelay() {
  read(now_ns_);  // what is pending would be delivered below
  if (fd_ >= 0) ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

bool SignalRelay::read(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  bool child_changed = false;
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    asked_to_end_ = asked_to_end_ || asks_to_end(number);
    if (number == SIGCHLD) {
      child_changed = true;
    } else if (number == SIGXFSZ) {
      // Of a write of ours, which failed with EFBIG.
    } else if (info.ssi_code <= 0) {  // SI_USER and its like: a process sent it
      const Waiting signal{number, static_cast<std::int32_t>(info.ssi_pid), now_ns + kGraceNs};
      if (!take_same(seen_, signal)) waiting_.push_back(signal);
    } else if (number != SIGWINCH) {
      from_terminal_.push_back(number);
    }
  }
  return child_changed;
}

bool SignalRelay::take_same(std::vector<Waiting>& signals, const Waiting& signal) {
  const auto same = std::find_if(signals.begin(), signals.end(), [&](const Waiting& other) {
    return other.number == signal.number && other.sender == signal.sender;
  });
  if (same == signals.end()) return false;
  signals.erase(same);
  return true;
}

void SignalRelay::on_event(const event::Event& event) {
  const auto* signal = std::get_if<event::SignalReceived>(&event.fact);
  if (signal == nullptr) return;
  const Waiting seen{signal->number, signal->from_pid, now_ns_ + kGraceNs};
  if (!take_same(waiting_, seen)) seen_.push_back(seen);
}

std::vector<int> SignalRelay::due(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  std::erase_if(seen_, [&](const Waiting& seen) { return seen.due_ns <= now_ns; });
  std::vector<int> numbers;
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.due_ns > now_ns) return false;
    numbers.push_back(waiting.number);
    return true;
  });
  return numbers;
}

std::uint64_t SignalRelay::next_due_ns() const {
  std::uint64_t next = 0;
  for (const Waiting& waiting : waiting_)
    next = next == 0 ? waiting.due_ns : std::min(next, waiting.due_ns);
  return next;
}

std::vector<int> SignalRelay::take_from_terminal() {
  std::vector<int> numbers;
  numbers.swap(from_terminal_);
  return numbers;
}

}  // namespace reprise::recorder
