// What the decoder has to know about Redis commands. Source: redis.io/commands, and the COMMAND
// table of Redis 7. Pure functions on a constant table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::protocol::resp {

struct Command {
  enum Trait : std::uint8_t {
    kContainer = 1,  // the first argument is a sub-command: CLIENT SETNAME
    kPrelude = 2,    // sets a connection up
    kConfirmed =
        4,  // SUBSCRIBE and its kin: one confirmation for each channel instead of one answer
    kReplicates = 8,  // the connection carries no answers afterwards
    kStreams = 16,    // the key comes after the word STREAMS
  };
  std::string_view name;  // upper case
  std::int8_t key = 1;    // index of the first key (or channel) in the command; 0 none
  std::int8_t count = 0;  // index of the number of keys; 0 there is none. No key when it is "0"
  std::uint8_t traits = 0;

  bool is(Trait trait) const { return (traits & trait) != 0; }
};

// Whether Redis has a command of that name; case does not matter.
[[nodiscard]] bool is_command(std::string_view name);

// Unknown commands (of modules) take their key first.
[[nodiscard]] Command find_command(std::string_view name);

// How many arguments, the name included, the functions below look at.
[[nodiscard]] std::size_t arguments_needed(const Command& command);

// The arguments of an inline command, which are separated by blanks and may be quoted.
[[nodiscard]] std::vector<std::string> split_inline(std::string_view line);

// "HMGET", "CLIENT SETNAME": upper case.
[[nodiscard]] std::string operation_name(const Command& command,
                                         std::span<const std::string> arguments);
// The first key or channel, "" when there is none.
[[nodiscard]] std::string first_key(const Command& command, std::span<const std::string> arguments);
// Whether the command sets its connection up rather than does work.
[[nodiscard]] bool is_prelude(const Command& command, std::span<const std::string> arguments);

[[nodiscard]] std::string upper_case(std::string_view text);

}  // namespace reprise::protocol::resp
