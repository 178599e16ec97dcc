#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>

namespace reprise::cli {
namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

std::size_t columns() {
  if (const char* value = std::getenv("COLUMNS")) {
    if (const long given = std::strtol(value, nullptr, 10); given > 0) {
      return static_cast<std::size_t>(given);
    }
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

const char* code(Style style) {
  switch (style) {
    case Style::kBold:
      return "1";
    case Style::kDim:
      return "2";
    case Style::kGood:
      return "32";
    case Style::kBad:
      return "31";
    case Style::kWarning:
      return "33";
    case Style::kAccent:
      return "36";
    case Style::kPlain:
      break;
  }
  return "";
}

}  // namespace

Terminal::Traits Terminal::detect(std::string_view color) {
  Traits traits;
  traits.interactive = isatty(STDOUT_FILENO) != 0;
  if (traits.interactive) traits.width = columns();
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  traits.color =
      color == "always" || (color == "auto" && traits.interactive && !dumb && !is_set("NO_COLOR"));
  return traits;
}

std::string Terminal::paint(Style style, std::string_view text) const {
  if (!traits_.color || style == Style::kPlain || text.empty()) return std::string(text);
  return "\x1b[" + std::string(code(style)) + "m" + std::string(text) + "\x1b[0m";
}

void Terminal::error(std::string_view message) {
  out_.flush();
  err_ << "reprise: " << message << "\n";
}

void Terminal::next(std::string_view command_line) {
  out_.flush();
  err_ << "next: " << command_line << "\n";
}

}  // namespace reprise::cli
