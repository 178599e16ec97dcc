#include "cli/help.h"

#include <algorithm>
#include <ostream>
#include <sstream>

#include "cli/text.h"

namespace reprise::cli {
namespace {

constexpr std::size_t kIndent = 4;
constexpr std::size_t kWidest = 96;  // lines longer than this read badly

std::size_t page_width(const Terminal& terminal) {
  return terminal.width() == 0 ? 80 : std::min(terminal.width(), kWidest);
}

void print_filled(const std::string& text, std::size_t indent, Terminal& terminal) {
  const std::string margin(indent, ' ');
  std::string line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && indent + columns_of(line) + 1 + columns_of(word) > page_width(terminal)) {
      terminal.out() << margin << line << "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) terminal.out() << margin << line << "\n";
}

void print_heading(const char* heading, Terminal& terminal) {
  terminal.out() << "\n" << terminal.paint(Style::kBold, heading) << "\n";
}

void print_options(const std::vector<OptionPage>& options, Terminal& terminal) {
  for (const OptionPage& option : options) {
    terminal.out() << std::string(kIndent, ' ') << terminal.paint(Style::kBold, option.names)
                   << "\n";
    print_filled(option.help, 2 * kIndent, terminal);
    if (!option.environment.empty()) {
      terminal.out() << std::string(2 * kIndent, ' ')
                     << terminal.paint(Style::kDim, "environment: " + option.environment) << "\n";
    }
  }
}

}  // namespace

void print_manual(const Manual& manual, const std::vector<OptionPage>& options,
                  Terminal& terminal) {
  std::ostream& out = terminal.out();
  const std::string margin(kIndent, ' ');
  out << terminal.paint(Style::kBold, "reprise " + manual.name) << " - " << manual.summary << "\n";
  print_heading("USAGE", terminal);
  out << margin << "reprise " << manual.name << " " << manual.synopsis << "\n";
  print_heading("DESCRIPTION", terminal);
  for (std::size_t i = 0; i < manual.description.size(); ++i) {
    if (i != 0) out << "\n";
    print_filled(manual.description[i], kIndent, terminal);
  }
  print_heading("OPTIONS", terminal);
  // The common ones come first in the list and last on the page.
  constexpr std::size_t kCommon = 3;
  std::vector<OptionPage> ordered = options;
  std::rotate(ordered.begin(), ordered.begin() + std::min(kCommon, ordered.size()), ordered.end());
  print_options(ordered, terminal);
  out << "\n";
  print_filled("An option can also be given as an environment variable or as a key in section [" +
                   manual.name +
                   "] of reprise.toml. The command line counts first, then the "
                   "environment, then the file.",
               kIndent, terminal);
  if (!manual.examples.empty()) print_heading("EXAMPLES", terminal);
  for (const auto& [line, what] : manual.examples) {
    out << margin << terminal.paint(Style::kAccent, line) << "\n";
    print_filled(what, 2 * kIndent, terminal);
  }
  print_heading("EXIT STATUS", terminal);
  for (const auto& [code, when] : manual.exit_codes) {
    out << margin << static_cast<int>(code) << "  " << when << "\n";
  }
  if (manual.see_also.empty()) return;
  print_heading("SEE ALSO", terminal);
  std::string names;
  for (const std::string& name : manual.see_also) {
    names += (names.empty() ? "" : ", ") + ("reprise " + name);
  }
  print_filled(names, kIndent, terminal);
}

void print_overview(const std::vector<std::unique_ptr<Command>>& commands, Terminal& terminal) {
  std::ostream& out = terminal.out();
  out << terminal.paint(Style::kBold, "reprise")
      << " - record what a service saw in production, replay it under gdb\n";
  print_heading("USAGE", terminal);
  out << std::string(kIndent, ' ') << "reprise COMMAND [OPTIONS] …\n";
  print_heading("COMMANDS", terminal);
  std::size_t widest = 0;
  for (const auto& command : commands) widest = std::max(widest, command->manual().name.size());
  for (const auto& command : commands) {
    const Manual manual = command->manual();
    out << std::string(kIndent, ' ') << terminal.paint(Style::kAccent, manual.name)
        << std::string(widest - manual.name.size() + 2, ' ') << manual.summary << "\n";
  }
  out << "\n`reprise COMMAND --help` shows the page of a command; `reprise --version` the "
         "version.\n";
}

}  // namespace reprise::cli
