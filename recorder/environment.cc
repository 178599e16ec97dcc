#include "recorder/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace reprise::recorder {
namespace {

bool names(const std::string& entry, const std::string& name) {
  return entry.size() > name.size() && entry[name.size()] == '=' &&
         entry.compare(0, name.size(), name) == 0;
}

bool looks_secret(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const char* word : {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
                           "KEY", "AUTH", "COOKIE", "DSN"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

// "postgres://user:password@host"
bool holds_password(const std::string& value) {
  const std::size_t scheme = value.find("://");
  if (scheme == std::string::npos) return false;
  const std::size_t at = value.find('@', scheme);
  const std::size_t colon = value.find(':', scheme + 3);
  const std::size_t slash = value.find('/', scheme + 3);
  return at != std::string::npos && colon < at && at < slash;
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
  for (const std::string& entry : environment) {
    const std::string name = entry.substr(0, entry.find('='));
    result.push_back(looks_secret(name) || holds_password(entry) ? name + "=***" : entry);
  }
  return result;
}

}  // namespace reprise::recorder
