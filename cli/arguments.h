// The options of a command: declared once, parsed from the command line, the environment and
// reprise.toml, in that order of precedence, and listed by --help.
//
// An option `--on-miss` of `replay` is also the variable REPRISE_REPLAY_ON_MISS and the key
// `on-miss` in section [replay] of reprise.toml (./reprise.toml, --config FILE or REPRISE_CONFIG).
// Everything behind a `--` is the program and its arguments and is not looked at. The only code
// that sees CLI11.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace reprise::cli {

// One declared option, for --help.
struct OptionPage {
  std::string names;  // "-o, --output FILE", "ARCHIVE"
  std::string help;
  std::string environment;  // "REPRISE_LS_STATUS", "" for positionals
};

class Arguments {
 public:
  // `command` is the name of the command whose arguments these are.
  explicit Arguments(std::string command);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // Positionals, in the order of their declaration. Only the last may be optional.
  void positional(std::string& value, const std::string& name, const std::string& help,
                  bool required = true);
  void positional(std::uint64_t& value, const std::string& name, const std::string& help,
                  bool required = true);
  void positional(std::vector<std::string>& values, const std::string& name,
                  const std::string& help);  // one or more; last

  // Options: `names` as in "-o,--output". What is bound keeps its value when the option is not
  // given.
  void flag(bool& value, const std::string& names, const std::string& help);
  void option(std::string& value, const std::string& names, const std::string& value_name,
              const std::string& help);
  void option(std::uint64_t& value, const std::string& names, const std::string& value_name,
              const std::string& help);
  void option(double& value, const std::string& names, const std::string& value_name,
              const std::string& help);
  void option(std::optional<double>& value, const std::string& names, const std::string& value_name,
              const std::string& help);
  void option(std::optional<std::uint64_t>& value, const std::string& names,
              const std::string& value_name, const std::string& help);
  // "250ms", "1.5s", "3m"; a number alone is seconds.
  void option(std::optional<std::chrono::nanoseconds>& value, const std::string& names,
              const std::string& value_name, const std::string& help);
  void option(std::vector<std::string>& values, const std::string& names,
              const std::string& value_name, const std::string& help);  // may be repeated
  // One of `choices`.
  void choice(std::string& value, const std::string& names, const std::vector<std::string>& choices,
              const std::string& help);
  // `-- PROGRAM ARGS…`.
  void program(std::vector<std::string>& words, bool required, const std::string& help);

  struct Outcome {
    bool help = false;           // --help was asked for
    std::string color = "auto";  // --color
  };
  // `words` are those after the name of the command. An error is a message for the user.
  [[nodiscard]] tl::expected<Outcome, std::string> parse(std::vector<std::string> words);

  const std::vector<OptionPage>& pages() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "250ms" and the like; none when it is no duration.
std::optional<std::chrono::nanoseconds> parse_duration(const std::string& text);

}  // namespace reprise::cli
