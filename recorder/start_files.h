// The files that the service reads at its start, with what was in them.
//
// The agent tells which files were opened, and by size and time of change what they were; the
// content is looked at here, a moment later, and only counts if nothing changed meanwhile. Each
// file is told once, however many processes read it, and none after the first client.
//
// Threading: the collector's thread. Memory: bounded by kMostStartFiles.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "event/event.h"

namespace reprise::recorder {

class StartFiles {
 public:
  // Whether the file is to be told; its digest is filled in then. `pid` is of who opened it.
  bool take(event::FileOpened& file, std::int32_t pid);
  // The file with the time zone, which the C library reads by itself; none when the environment
  // ("NAME=value") says which zone it is, or there is no such file.
  std::optional<event::FileOpened> time_zone(const std::vector<std::string>& environment);
  // A client came.
  void end() { over_ = true; }

 private:
  bool over_ = false;
  std::uint64_t digested_ = 0;                                            // bytes
  std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> told_;  // path, size, time
};

inline constexpr std::size_t kMostStartFiles = 4096;

}  // namespace reprise::recorder
