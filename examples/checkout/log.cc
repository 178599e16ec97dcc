#include "examples/checkout/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <string>

namespace checkout {

void LogLine(std::string_view message) {
  const std::string line = fmt::format("{}\n", message);
  std::string_view rest = line;
  // A pipe may take a long line in parts.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  while (!rest.empty()) {
    const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void LogLine(const RequestId& request, std::string_view message) {
  LogLine(fmt::format("request={} {}", request.text, message));
}

}  // namespace checkout
