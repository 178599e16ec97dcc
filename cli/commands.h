// All commands, one maker a file.
#pragma once

#include <memory>

#include "cli/command.h"

namespace reprise::cli {

std::unique_ptr<Command> make_diff_command();
std::unique_ptr<Command> make_debug_command();
std::unique_ptr<Command> make_ls_command();
std::unique_ptr<Command> make_record_command();
std::unique_ptr<Command> make_recover_command();
std::unique_ptr<Command> make_replay_command();
std::unique_ptr<Command> make_show_command();
std::unique_ptr<Command> make_stats_command();
std::unique_ptr<Command> make_verify_command();

}  // namespace reprise::cli
