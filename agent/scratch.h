// Memory for a moment: mapped, and unmapped when the object goes.
//
// For start-up, and for what stands in for a C function that may allocate itself; never on another
// hook's path.
//
// Threading: any thread.
#pragma once

#include <sys/mman.h>

#include <cstddef>

#include "agent/system_call.h"

namespace reprise::agent {

class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : bytes_(bytes) {
    const long result = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    start_ = failed(result) ? nullptr : reinterpret_cast<char*>(result);
  }
  ~Scratch() {
    if (start_ != nullptr) system_call(SYS_munmap, address_of(start_), static_cast<long>(bytes_));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Zeroed; null when there is no memory.
  [[nodiscard]] char* start() const { return start_; }
  [[nodiscard]] std::size_t size() const { return bytes_; }

 private:
  char* start_;
  std::size_t bytes_;
};

}  // namespace reprise::agent
