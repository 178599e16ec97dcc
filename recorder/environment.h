// The environment a service is started with, and how it is written into an archive.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace reprise::recorder {

// NAME=value, as in environ.
using Environment = std::vector<std::string>;

// This process's.
[[nodiscard]] Environment own_environment();
// Sets or replaces one variable.
void set_variable(Environment& environment, const std::string& name, const std::string& value);
[[nodiscard]] std::string variable(const Environment& environment, const std::string& name);

// `library` in front of what is preloaded already.
void preload(Environment& environment, const std::string& library);

// Without what event/secrecy.h says is not shown: an archive is passed on, an environment is not.
[[nodiscard]] Environment masked(const Environment& environment);

}  // namespace reprise::recorder
