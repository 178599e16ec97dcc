#include "replayer/quiescence.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace reprise::replayer {
namespace {

bool counts_as_running(abi::Activity activity) {
  return activity == abi::Activity::kRunning || activity == abi::Activity::kAsking;
}

std::string proc_path(std::int32_t pid, std::int32_t tid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/" + file;
}

std::string read_file(const std::string& path) {
  char text[256];
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t length = file < 0 ? -1 : ::read(file, text, sizeof(text));
  if (file >= 0) ::close(file);
  return length <= 0 ? "" : std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

const char* activity_words(abi::Activity activity) {
  switch (activity) {
    case abi::Activity::kRunning:
      return "runs";
    case abi::Activity::kReadiness:
      return "waits for readiness";
    case abi::Activity::kRead:
      return "waits in a read";
    case abi::Activity::kAccept:
      return "waits in accept";
    case abi::Activity::kWrite:
      return "waits in a write";
    case abi::Activity::kConnect:
      return "waits in connect";
    case abi::Activity::kSleep:
      return "sleeps";
    case abi::Activity::kCondition:
      return "waits for a condition variable";
    case abi::Activity::kMutex:
      return "waits for a mutex";
    case abi::Activity::kSemaphore:
      return "waits for a semaphore";
    case abi::Activity::kFutex:
      return "waits for a futex";
    case abi::Activity::kJoin:
      return "waits for a thread to end";
    case abi::Activity::kChild:
      return "waits for a child process";
    case abi::Activity::kSignalWait:
      return "waits for a signal";
    case abi::Activity::kAsking:
      return "waits for an answer of the replayer";
    case abi::Activity::kHeld:
      return "is held back";
    case abi::Activity::kEnded:
      return "has ended";
  }
  return "does something unknown";
}

Quiescence::Quiescence(Threads& threads)
    : threads_(threads), silent_(threads), children_(threads) {}

Quiescence::~Quiescence() {
  for (const auto& [tid, file] : state_files_) ::close(file);
}

Rest Quiescence::look(Moment now) {
  if (threads_.refresh()) return Rest::kWaking;
  const Rest before = read_activities(now, first_);
  if (before != Rest::kQuiescent) return before;
  // In this order: the end of a thread wakes those that wait for it.
  if (somebody_comes_or_goes() || !nothing_runnable()) return Rest::kWaking;
  if (threads_.refresh()) return Rest::kWaking;
  const Rest after = read_activities(now, second_);
  if (after != Rest::kQuiescent) return after;
  return first_ == second_ ? Rest::kQuiescent : Rest::kWaking;
}

Rest Quiescence::read_activities(Moment now, std::vector<LiveThread>& live) {
  live.clear();
  earliest_ = kNever;
  Rest rest = Rest::kQuiescent;
  for (const std::uint32_t slot : threads_.slots()) {
    if (!threads_.is_live(slot)) continue;
    const abi::ThreadSlot& thread = threads_.thread(slot);
    const std::uint64_t activity = threads_.activity_word(slot);
    if (counts_as_running(activity_of(activity))) {
      const Halt halt = halted(slot, activity);
      if (halt == Halt::kNot) return Rest::kBusy;
      if (halt == Halt::kBlocked) live.push_back({slot, activity});
      continue;
    }
    live.push_back({slot, activity});
    const std::uint64_t deadline = thread.deadline_ns.load(std::memory_order_acquire);
    if (deadline == abi::kNoDeadline) continue;
    const Moment at{static_cast<std::int64_t>(std::min<std::uint64_t>(deadline, INT64_MAX))};
    if (at <= now) rest = Rest::kWaking;
    earliest_ = std::min(earliest_, at);
  }
  // Before its first thread, and after its last, a service does not rest: it starts or ends.
  return live.empty() ? Rest::kBusy : rest;
}

// What the kernel says of a thread that says it runs.
Quiescence::Halt Quiescence::halted(std::uint32_t slot, std::uint64_t activity) {
  const auto now = std::chrono::steady_clock::now();
  Running& running = running_[slot];
  const std::int32_t tid = threads_.thread(slot).tid;
  if (running.activity != activity || running.tid != tid) {
    running = {.activity = activity, .tid = tid, .since = now, .cpu_time = {}, .still_since = {}};
  }
  if (now - running.since < kDeathNoticed) return Halt::kNot;
  // Before a thread has said who it is, the kernel cannot be asked.
  const char state = tid == 0 ? 'R' : kernel_state(slot);
  if (state == '\0' || state == 'X') return Halt::kGone;
  if (state == 'Z') return is_traced(slot) ? Halt::kNot : Halt::kGone;
  if (activity_of(activity) == abi::Activity::kAsking || state != 'S') {
    running.still_since.reset();
    return Halt::kNot;
  }
  // It sleeps now; one that works may be seen so as well, between two pages or two files.
  std::string cpu_time = read_file(kernel_path(slot, "schedstat"));
  if (!running.still_since || cpu_time != running.cpu_time) {
    running.still_since = now;
    running.cpu_time = std::move(cpu_time);
  }
  if (now - *running.still_since < kPatience) return Halt::kNot;
  if (told_.insert(tid).second) {
    const std::string where = read_file(kernel_path(slot, "wchan"));
    unhooked_.push_back(threads_.name(slot) + " is blocked in a call that Reprise does not hook" +
                        (where.empty() || where == "0" ? "" : " (kernel: " + where + ")"));
  }
  return Halt::kBlocked;
}

std::string Quiescence::kernel_path(std::uint32_t slot, const char* file) const {
  return proc_path(threads_.process_of(slot).pid, threads_.thread(slot).tid, file);
}

// Of what died under a debugger the parent learns once the debugger has.
bool Quiescence::is_traced(std::uint32_t slot) const {
  const std::string status = read_file(kernel_path(slot, "status"));
  const std::size_t tracer = status.find("\nTracerPid:\t");
  return tracer != std::string::npos && status.compare(tracer, 14, "\nTracerPid:\t0\n") != 0;
}

bool Quiescence::somebody_comes_or_goes() {
  speaking_.clear();
  for (const LiveThread& live : first_) speaking_.push_back(live.slot);
  return silent_.any(speaking_) || children_.any();
}

bool Quiescence::nothing_runnable() {
  const auto runnable = [this](const LiveThread& live) {
    const char state = kernel_state(live.slot);
    return state != 'S' && state != 'Z' && state != 'X' && state != '\0';
  };
  // Who was found runnable last is asked first: it is the likeliest to be so still.
  const auto likeliest = std::ranges::find(first_, last_runnable_, &LiveThread::slot);
  if (likeliest != first_.end() && runnable(*likeliest)) return false;
  const auto found = std::ranges::find_if(first_, runnable);
  if (found == first_.end()) return true;
  last_runnable_ = found->slot;
  return false;
}

// R, S, D, T, t, Z, X as in proc(5); 0 when the thread is gone.
char Quiescence::kernel_state(std::uint32_t slot) {
  const std::int32_t tid = threads_.thread(slot).tid;
  char text[128];
  ssize_t length = -1;
  if (const auto known = state_files_.find(tid); known != state_files_.end()) {
    length = ::pread(known->second, text, sizeof(text), 0);
    if (length <= 0) {  // of a thread that is gone, whose number may have been given anew
      ::close(known->second);
      state_files_.erase(known);
    }
  }
  if (length <= 0) {
    const int file = ::open(kernel_path(slot, "stat").c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return '\0';
    state_files_[tid] = file;
    length = ::pread(file, text, sizeof(text), 0);
    if (length <= 0) return '\0';
  }
  return task_state({text, static_cast<std::size_t>(length)});
}

std::string Quiescence::describe() const {
  constexpr std::size_t kTold = 8;
  std::string text;
  std::size_t live = 0;
  for (const std::uint32_t slot : threads_.slots()) {
    if (!threads_.is_live(slot) || ++live > kTold) continue;
    text += (live == 1 ? "" : ", ") + threads_.name(slot) + " " +
            activity_words(activity_of(threads_.activity_word(slot)));
  }
  if (live > kTold) text += " and " + std::to_string(live - kTold) + " more";
  return text.empty() ? "no thread is left" : text;
}

}  // namespace reprise::replayer
