#include "recorder/process_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace reprise::recorder {
namespace {

constexpr int kDeepestAncestry = 256;

struct ProcessStatus {
  bool exists = false;
  bool same_namespace = false;
  std::int32_t parent = 0;
};

ProcessStatus read_status(std::int32_t pid) {
  ProcessStatus status;
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    status.exists = true;
    if (line.rfind("PPid:", 0) == 0) status.parent = std::atoi(line.c_str() + 5);
    if (line.rfind("NSpid:", 0) == 0) {
      std::istringstream numbers(line.substr(6));
      std::int32_t first = 0, second = 0;
      status.same_namespace = (numbers >> first) && !(numbers >> second);
    }
  }
  return status;
}

bool descends_from_here(std::int32_t pid) {
  const std::int32_t self = ::getpid();
  for (int step = 0; step < kDeepestAncestry && pid > 1; ++step) {
    const ProcessStatus status = read_status(pid);
    if (!status.exists || !status.same_namespace) return false;
    if (status.parent == self) return true;
    pid = status.parent;
  }
  return false;
}

int open_pidfd(std::int32_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

ProcessWatch::ProcessWatch(Arena& arena) : arena_(arena), known_(arena.geometry().process_count) {}

ProcessWatch::~ProcessWatch() {
  for (const Known& known : known_) {
    if (known.pidfd >= 0) ::close(known.pidfd);
  }
}

bool ProcessWatch::is_taken(std::uint32_t slot) {
  const auto state = arena_.process(slot).state.load(std::memory_order_acquire);
  return state != abi::ProcessState::kFree && state != abi::ProcessState::kClaimed;
}

void ProcessWatch::learn(std::uint32_t slot) {
  Known& known = known_[slot];
  const abi::ProcessSlot& entry = arena_.process(slot);
  if (known.known && known.started == entry.started_stamp) return;
  if (known.pidfd >= 0) ::close(known.pidfd);
  known = Known{};
  known.pid = entry.pid;
  known.started = entry.started_stamp;
  known.known = true;  // before the parent is looked at: damaged slots may form a circle
  const std::uint32_t parent = entry.parent;
  if (parent < known_.size() && parent != slot && is_taken(parent)) learn(parent);
  known.path = parent < known_.size() && known_[parent].known
                   ? known_[parent].path + "." + std::to_string(entry.ordinal)
                   : std::to_string(parentless_++);
  if (known.pid <= 0) return;
  known.pidfd = open_pidfd(known.pid);
  // Opened first, checked second: a number that changes hands in between fails the check.
  known.verified = known.pidfd >= 0 && descends_from_here(known.pid);
  if (!known.verified && known.pidfd >= 0) {
    ::close(known.pidfd);
    known.pidfd = -1;
  }
}

ProcessIdentity ProcessWatch::identity(std::uint32_t slot) {
  if (slot >= known_.size()) return {};
  learn(slot);
  const abi::ProcessSlot& entry = arena_.process(slot);
  return {slot,
          known_[slot].pid,
          entry.parent,
          entry.ordinal,
          entry.image.load(std::memory_order_relaxed),
          known_[slot].path};
}

void ProcessWatch::mark_gone(std::uint32_t slot) {
  if (known_[slot].gone) return;
  known_[slot].gone = true;
  gone_slots_.push_back(slot);
}

void ProcessWatch::sweep() {
  for (std::uint32_t slot = 0; slot < known_.size(); ++slot) {
    if (!is_taken(slot)) continue;
    learn(slot);
    const Known& known = known_[slot];
    if (known.gone) continue;
    if (all_gone_) {
      mark_gone(slot);
      continue;
    }
    const auto state = arena_.process(slot).state.load(std::memory_order_acquire);
    pollfd entry{known.pidfd, POLLIN, 0};
    if (known.pidfd >= 0) {
      if (::poll(&entry, 1, 0) == 1) mark_gone(slot);
    } else if (state == abi::ProcessState::kExited && ::kill(known.pid, 0) != 0 && errno == ESRCH) {
      mark_gone(slot);
    }
  }
}

bool ProcessWatch::is_gone(std::uint32_t slot) const {
  return all_gone_ || slot >= known_.size() || known_[slot].gone;
}

bool ProcessWatch::thread_is_gone(std::uint32_t slot, std::int32_t tid) const {
  if (slot >= known_.size() || !known_[slot].verified || tid <= 0) return false;
  return ::syscall(SYS_tgkill, known_[slot].pid, tid, 0) != 0 && errno == ESRCH;
}

std::vector<std::int32_t> ProcessWatch::living() const {
  std::vector<std::int32_t> pids;
  for (const Known& known : known_) {
    if (known.known && !known.gone && !all_gone_) pids.push_back(known.pid);
  }
  return pids;
}

bool ProcessWatch::release(std::uint32_t slot) {
  for (std::uint32_t other = 0; other < known_.size(); ++other) {
    // A child that was not looked at yet is named after its parent.
    const abi::ProcessSlot& entry = arena_.process(other);
    const bool free = entry.state.load(std::memory_order_acquire) == abi::ProcessState::kFree;
    if (!free && !known_[other].known && entry.parent == slot) return false;
  }
  gone_slots_.erase(std::remove(gone_slots_.begin(), gone_slots_.end(), slot), gone_slots_.end());
  if (known_[slot].pidfd >= 0) ::close(known_[slot].pidfd);
  known_[slot] = Known{};
  abi::ProcessSlot& entry = arena_.process(slot);
  entry.parent = abi::kNone;
  entry.ordinal = 0;
  entry.image.store(0, std::memory_order_relaxed);
  entry.children.store(0, std::memory_order_relaxed);
  entry.threads.store(0, std::memory_order_relaxed);
  entry.uncaptured_execs.store(0, std::memory_order_relaxed);
  entry.state.store(abi::ProcessState::kFree, std::memory_order_release);
  return true;
}

}  // namespace reprise::recorder
