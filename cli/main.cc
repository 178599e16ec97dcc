// The program `reprise`: finds the command, gives it its arguments, runs it.
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/version.h"

namespace reprise::cli {
namespace {

// In the order of a person's work.
std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_record_command());
  commands.push_back(make_recover_command());
  commands.push_back(make_replay_command());
  commands.push_back(make_debug_command());
  commands.push_back(make_diff_command());
  commands.push_back(make_ls_command());
  commands.push_back(make_show_command());
  commands.push_back(make_stats_command());
  commands.push_back(make_verify_command());
  return commands;
}

Command* find(const std::vector<std::unique_ptr<Command>>& commands, const std::string& name) {
  for (const auto& command : commands) {
    if (command->manual().name == name) return command.get();
  }
  return nullptr;
}

int unknown(const std::vector<std::unique_ptr<Command>>& commands, const std::string& name,
            Terminal& terminal) {
  std::string message = "there is no command `" + printable(name) + "`";
  std::size_t best = 3;  // more than two letters wrong is another word
  std::string meant;
  for (const auto& command : commands) {
    const std::string known = command->manual().name;
    const std::size_t distance = edit_distance(name, known);
    if (distance < best) {
      best = distance;
      meant = known;
    }
  }
  message += meant.empty() ? "; `reprise --help` lists them" : "; did you mean `" + meant + "`?";
  terminal.error(message);
  return static_cast<int>(ExitCode::kUsage);
}

// What was printed must have arrived: a full disk behind `>` is no success.
int finish(ExitCode code, Terminal& terminal) {
  terminal.out().flush();
  if (terminal.out()) return static_cast<int>(code);
  terminal.error("standard output could not be written");
  return static_cast<int>(ExitCode::kUsage);
}

int run_command(Command& command, std::vector<std::string> words) {
  const Manual manual = command.manual();
  Arguments arguments(manual.name);
  command.declare(arguments);
  const auto parsed = arguments.parse(std::move(words));
  Terminal terminal(std::cout, std::cerr, Terminal::detect(parsed ? parsed->color : "auto"));
  if (!parsed) {
    terminal.error(manual.name + ": " + parsed.error());
    terminal.err() << "usage: reprise " << manual.name << " " << manual.synopsis << "\n"
                   << "`reprise " << manual.name << " --help` explains it\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  if (parsed->help) {
    print_manual(manual, arguments.pages(), terminal);
    return finish(ExitCode::kHeld, terminal);
  }
  return finish(command.run(terminal), terminal);
}

int run(std::vector<std::string> words) {
  const auto commands = all_commands();
  Terminal terminal(std::cout, std::cerr, Terminal::detect("auto"));
  if (words.empty()) {
    print_overview(commands, terminal);
    return finish(ExitCode::kUsage, terminal);
  }
  const std::string name = words.front();
  words.erase(words.begin());
  if (name == "--version") {
    terminal.out() << "reprise " << kVersion << "\n";
    return finish(ExitCode::kHeld, terminal);
  }
  if (name == "--help" || name == "-h" || (name == "help" && words.empty())) {
    print_overview(commands, terminal);
    return finish(ExitCode::kHeld, terminal);
  }
  if (name == "help") {
    Command* command = find(commands, words.front());
    return command == nullptr ? unknown(commands, words.front(), terminal)
                              : run_command(*command, {"--help"});
  }
  Command* command = find(commands, name);
  return command == nullptr ? unknown(commands, name, terminal)
                            : run_command(*command, std::move(words));
}

}  // namespace
}  // namespace reprise::cli

int main(int argc, char** argv) {
  return reprise::cli::run(std::vector<std::string>(argv + 1, argv + argc));
}
