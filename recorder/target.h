// Whether a program can be recorded, before it is started.
//
// The agent reaches a service through the dynamic linker's preload. Where that cannot work the
// refusal says why and what to do instead: missing or not executable programs, static ones, those
// that run with other privileges than the caller's (the linker strips the preload), other machines'
// and other C libraries'. Scripts are judged by their interpreter. Stateless.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "recorder/error.h"

namespace reprise::recorder {

struct Target {
  std::string path;        // of the program, as found on PATH
  std::string executable;  // that the kernel will load: the program, or its interpreter
  // What the kernel puts in front of a script's path and arguments ("/usr/bin/env", "python3");
  // empty for a program.
  std::vector<std::string> interpreter;

  // What the kernel makes of `command`, which begins with this program: for whoever starts it by
  // other means.
  std::vector<std::string> command(const std::vector<std::string>& command) const;
};

// `program` is searched on `path_variable` unless it has a slash.
[[nodiscard]] tl::expected<Target, Error> check_target(const std::string& program,
                                                       const std::string& path_variable);

}  // namespace reprise::recorder
