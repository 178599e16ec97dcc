// Processor time, user and system together, in ns. Threading: one thread.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace reprise::recorder {

// Of the calling process.
[[nodiscard]] std::uint64_t own_cpu_ns();

// Of other processes, from one look to the next.
class CpuTimes {
 public:
  // What these processes took since they were looked at before, or began. Processes that cannot be
  // asked, and those that ended since, count nothing.
  std::uint64_t since_last_look(const std::vector<std::int32_t>& pids);

 private:
  std::unordered_map<std::int32_t, std::uint64_t> known_;  // by pid
};

}  // namespace reprise::recorder
