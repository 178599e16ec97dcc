// Prints the pages of --help.
#pragma once

#include <memory>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace reprise::cli {

// The page of one command.
void print_manual(const Manual& manual, const std::vector<OptionPage>& options, Terminal& terminal);

// What `reprise` is and which commands it has.
void print_overview(const std::vector<std::unique_ptr<Command>>& commands, Terminal& terminal);

}  // namespace reprise::cli
