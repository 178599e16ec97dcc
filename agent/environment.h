// Carrying the agent into the programs that the service executes.
//
// A program finds the session by LD_PRELOAD and REPRISE_ARENA. Services clear or rebuild their
// environment, so what this process was given is kept, and every environment that is handed to exec
// or posix_spawn gets it again.
//
// Threading: the kept strings are constant after start-up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise::agent {

// Keeps copies of the variables that matter. Start-up only.
void keep_carried_variables(char** environment);

inline constexpr std::size_t kMostCarried = 8;

// An environment that carries the agent: `environment` with LD_PRELOAD, REPRISE_ARENA and
// REPRISE_PROCESS made right. It lies in memory of the caller's: the program's is not changed, and
// in the child of a vfork nothing may be allocated.
class CarryingEnvironment {
 public:
  // Pointers that `place` must have room for.
  [[nodiscard]] static std::size_t pointers_for(char* const* environment);

  // `ordinal` is that of a child (see next_child_ordinal), 0 when this process itself executes.
  CarryingEnvironment(char* const* environment, char** place, std::uint32_t ordinal);

  [[nodiscard]] char** get() const { return place_; }

 private:
  char** place_;
  char process_[40];
  char preload_[4096];
};

}  // namespace reprise::agent
