#include "cli/debugged_service.h"

#include <signal.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "agent/abi/arena.h"

namespace reprise::cli {
namespace {

constexpr event::ProcessId kRoot{1};

bool is_gone(std::int32_t pid) {
  if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
  // One that the debugger has yet to reap.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t name_end = text.rfind(')');
  return name_end == std::string::npos || text.compare(name_end + 1, 2, " Z") == 0 ||
         text.compare(name_end + 1, 2, " X") == 0;
}

}  // namespace

void DebuggedService::on_event(const event::Event& event) {
  if (event.process != kRoot) return;
  using How = event::ProcessExited::How;
  if (const auto* exit = std::get_if<event::ProcessExited>(&event.fact)) {
    exited_ = *exit;
  } else if (const auto* signal = std::get_if<event::SignalReceived>(&event.fact);
             signal != nullptr && signal->fatal) {
    exited_ = event::ProcessExited{How::kSignal, signal->number};
  }
}

template <typename Visit>
void DebuggedService::for_each_process(Visit visit) {
  const std::uint32_t count = abi::arena_header(arena()).process_count;
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    const abi::ProcessSlot& process = abi::processes(arena())[slot];
    const auto state = process.state.load(std::memory_order_acquire);
    if (state == abi::ProcessState::kLive || state == abi::ProcessState::kExecuting) visit(process);
  }
}

std::int32_t DebuggedService::root() {
  if (root_ != 0) return root_;
  for_each_process([this](const abi::ProcessSlot& process) {
    if (process.parent == abi::kNone && root_ == 0) root_ = process.pid;
  });
  return root_;
}

bool DebuggedService::alive() {
  if (live_.exited()) return false;
  if (root() == 0) return true;  // about to start
  bool any = false;
  for_each_process([&](const abi::ProcessSlot& process) { any = any || !is_gone(process.pid); });
  return any;
}

std::optional<event::ProcessExited> DebuggedService::exited() {
  using How = event::ProcessExited::How;
  const bool debugger_ended = live_.exited().has_value();
  if (!debugger_ended && (root() == 0 || !is_gone(root_))) return std::nullopt;
  // Killed, when it could not say anything itself.
  return exited_.value_or(event::ProcessExited{How::kSignal, SIGKILL});
}

void DebuggedService::signal(int number) {
  // gdb takes SIGINT for the user's Ctrl-C and keeps it.
  if (root() != 0) ::kill(root_, number == SIGINT ? SIGTERM : number);
}

void DebuggedService::interrupt() {
  if (root() != 0) ::kill(root_, SIGINT);
}

}  // namespace reprise::cli
