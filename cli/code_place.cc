#include "cli/code_place.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/text.h"

namespace reprise::cli {
namespace {

struct SourceLine {
  std::string function, place;  // "??", "??:0" when not known
};

SourceLine source_line(const event::CodePlace& place) {
  // The call is before what it returns to.
  const std::string command = fmt::format("addr2line -C -f -e {} {:#x} 2>/dev/null",
                                          shell_word(place.module), place.offset - 1);
  const auto close = [](std::FILE* pipe) { ::pclose(pipe); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen(command.c_str(), "re"), close);
  std::string printed;
  std::array<char, 512> buffer;
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    printed += buffer.data();
  }
  const std::size_t end = printed.find('\n');
  if (end == std::string::npos) return {"??", "??:0"};
  const std::size_t next = printed.find('\n', end + 1);
  return {printed.substr(0, end), printed.substr(end + 1, next - end - 1)};
}

}  // namespace

std::string code_place_text(const event::CodePlace& place) {
  std::string text = fmt::format(
      "{}+{:#x}", std::filesystem::path(place.module).filename().string(), place.offset);
  const SourceLine line = source_line(place);
  if (line.function != "??") text += ", in " + line.function;
  if (!line.place.starts_with("??")) text += " at " + line.place;
  return text;
}

}  // namespace reprise::cli
