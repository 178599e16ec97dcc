#include "recorder/environment.h"

#include <unistd.h>

#include "event/secrecy.h"

namespace reprise::recorder {
namespace {

bool names(const std::string& entry, const std::string& name) {
  return entry.size() > name.size() && entry[name.size()] == '=' &&
         entry.compare(0, name.size(), name) == 0;
}

}  // namespace

Environment own_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

std::string variable(const Environment& environment, const std::string& name) {
  for (const std::string& entry : environment) {
    if (names(entry, name)) return entry.substr(name.size() + 1);
  }
  return "";
}

void set_variable(Environment& environment, const std::string& name, const std::string& value) {
  std::erase_if(environment, [&](const std::string& entry) { return names(entry, name); });
  environment.push_back(name + "=" + value);
}

void preload(Environment& environment, const std::string& library) {
  const std::string already = variable(environment, "LD_PRELOAD");
  set_variable(environment, "LD_PRELOAD", already.empty() ? library : library + ":" + already);
}

Environment masked(const Environment& environment) {
  Environment result;
  for (const std::string& entry : environment) result.push_back(event::masked_variable(entry));
  return result;
}

}  // namespace reprise::recorder
