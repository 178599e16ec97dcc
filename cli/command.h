// What a subcommand of `reprise` is. One file per subcommand; main.cc lists them.
//
// A command's life: manual() and declare() tell what it is and takes, one definition for parser,
// --help and documentation; then run(), in which it may take minutes and is a list of stages.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace reprise::cli {

class Arguments;
class Terminal;

// Of the process. Where several apply the order is kUsage, kDamaged, kBelowPolicy, kDiffers.
enum class ExitCode : int {
  kHeld = 0,         // held, or same
  kDiffers = 1,      // behaviour differs
  kUsage = 2,        // usage or environment
  kDamaged = 3,      // damaged archive
  kBelowPolicy = 4,  // fidelity below policy
};

// The page of a command. Paragraphs are filled to the width of the terminal.
struct Manual {
  std::string name;                                           // "ls"
  std::string summary;                                        // one line, no full stop
  std::string synopsis;                                       // "[OPTIONS] ARCHIVE"
  std::vector<std::string> description;                       // paragraphs
  std::vector<std::pair<std::string, std::string>> examples;  // command line, what it does
  std::vector<std::pair<ExitCode, std::string>> exit_codes;   // that it can end with, and when
  std::vector<std::string> see_also;                          // names of commands
};

class Command {
 public:
  virtual ~Command() = default;
  virtual Manual manual() const = 0;
  // Binds options to members; called once, before run().
  virtual void declare(Arguments& arguments) = 0;
  virtual ExitCode run(Terminal& terminal) = 0;
};

}  // namespace reprise::cli
