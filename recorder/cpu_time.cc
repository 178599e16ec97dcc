#include "recorder/cpu_time.h"

#include <time.h>

#include <utility>

namespace reprise::recorder {
namespace {

std::uint64_t read(clockid_t clock) {
  timespec value{};
  if (::clock_gettime(clock, &value) != 0) return 0;
  return static_cast<std::uint64_t>(value.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(value.tv_nsec);
}

}  // namespace

std::uint64_t own_cpu_ns() { return read(CLOCK_PROCESS_CPUTIME_ID); }

std::uint64_t CpuTimes::since_last_look(const std::vector<std::int32_t>& pids) {
  std::unordered_map<std::int32_t, std::uint64_t> seen;
  std::uint64_t sum = 0;
  for (const std::int32_t pid : pids) {
    clockid_t clock;
    if (::clock_getcpuclockid(pid, &clock) != 0) continue;
    const std::uint64_t now = read(clock);
    const auto before = known_.find(pid);
    const std::uint64_t then = before == known_.end() ? 0 : before->second;
    if (now > then) sum += now - then;
    seen[pid] = now;
  }
  known_ = std::move(seen);
  return sum;
}

}  // namespace reprise::recorder
