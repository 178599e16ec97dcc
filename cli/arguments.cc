#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <utility>

namespace reprise::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return text;
}

// Lest "-1" be taken for 2^64 - 1.
CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& given) -> std::string {
        const bool digits =
            !given.empty() && given.find_first_not_of("0123456789") == std::string::npos;
        return digits ? "" : "`" + given + "` is no whole number";
      },
      "");
}

// "-o,--output" -> "output"
std::string long_name(const std::string& names) {
  const std::size_t at = names.find("--");
  return names.substr(at + 2);
}

// "-o,--output" -> "-o, --output"
std::string spaced(std::string names) {
  if (const std::size_t comma = names.find(','); comma != std::string::npos) {
    names.insert(comma + 1, " ");
  }
  return names;
}

}  // namespace

struct Arguments::State {
  std::string command;
  CLI::App app;
  std::vector<OptionPage> pages;
  std::map<std::string, CLI::Option*> options;  // by long name, those that may come from elsewhere
  std::vector<std::pair<CLI::Option*, std::string>> required;
  std::vector<std::string>* program = nullptr;
  bool program_required = false;
  Outcome outcome;
  std::string config;

  void add(CLI::Option* option, const std::string& names, const std::string& value_name,
           const std::string& help) {
    const std::string name = long_name(names);
    option->take_last();
    options[name] = option;
    pages.push_back({spaced(names) + (value_name.empty() ? "" : " " + value_name), help,
                     "REPRISE_" + upper(command) + "_" + upper(name)});
  }
  void add_positional(CLI::Option* option, const std::string& name, const std::string& help,
                      bool must) {
    if (must) required.emplace_back(option, name);
    pages.push_back({name, help, ""});
  }

  // Values for options that the layers before have not set.
  void set(const std::string& name, const std::vector<std::string>& values);
  void read_environment();
  void read_config();
  void check_required(bool has_program);
};

Arguments::Arguments(std::string command) : state_(std::make_unique<State>()) {
  state_->command = std::move(command);
  state_->app.set_help_flag();
  // Two options of ours that exist in every command.
  flag(state_->outcome.help, "-h,--help", "Show this page.");
  state_->pages.back().environment = "";
  choice(state_->outcome.color, "--color", {"auto", "always", "never"},
         "Whether to use colours. `auto` uses them on a terminal unless NO_COLOR is set.");
  option(state_->config, "--config", "FILE",
         "Where options are read from that are given neither here nor in the environment. Without "
         "it: reprise.toml in the current folder, if there is one.");
  state_->pages.back().environment = "REPRISE_CONFIG";
}

Arguments::~Arguments() = default;

const std::vector<OptionPage>& Arguments::pages() const { return state_->pages; }

void Arguments::positional(std::string& value, const std::string& name, const std::string& help,
                           bool required) {
  state_->add_positional(state_->app.add_option(name, value), name, help, required);
}

void Arguments::positional(std::uint64_t& value, const std::string& name, const std::string& help,
                           bool required) {
  state_->add_positional(state_->app.add_option(name, value)->check(whole_number()), name, help,
                         required);
}

void Arguments::positional(std::vector<std::string>& values, const std::string& name,
                           const std::string& help) {
  state_->add_positional(state_->app.add_option(name, values), name + "…", help, true);
}

void Arguments::flag(bool& value, const std::string& names, const std::string& help) {
  state_->add(state_->app.add_flag(names, value), names, "", help);
}

void Arguments::option(std::string& value, const std::string& names, const std::string& value_name,
                       const std::string& help) {
  state_->add(state_->app.add_option(names, value), names, value_name, help);
}

void Arguments::option(std::uint64_t& value, const std::string& names,
                       const std::string& value_name, const std::string& help) {
  state_->add(state_->app.add_option(names, value)->check(whole_number()), names, value_name, help);
}

void Arguments::option(double& value, const std::string& names, const std::string& value_name,
                       const std::string& help) {
  state_->add(state_->app.add_option(names, value), names, value_name, help);
}

void Arguments::option(std::optional<double>& value, const std::string& names,
                       const std::string& value_name, const std::string& help) {
  CLI::Option* option = state_->app.add_option_function<double>(
      names, [&value](const double& given) { value = given; });
  state_->add(option, names, value_name, help);
}

void Arguments::option(std::optional<std::uint64_t>& value, const std::string& names,
                       const std::string& value_name, const std::string& help) {
  CLI::Option* option = state_->app.add_option_function<std::uint64_t>(
      names, [&value](const std::uint64_t& given) { value = given; });
  state_->add(option->check(whole_number()), names, value_name, help);
}

void Arguments::option(std::optional<std::chrono::nanoseconds>& value, const std::string& names,
                       const std::string& value_name, const std::string& help) {
  const auto convert = [&value, names](const std::string& text) {
    value = parse_duration(text);
    if (!value) {
      throw CLI::ValidationError("--" + long_name(names),
                                 "`" + text + "` is no duration; write 250ms, 1.5s or 3m");
    }
  };
  state_->add(state_->app.add_option_function<std::string>(names, convert), names, value_name,
              help);
}

void Arguments::option(std::vector<std::string>& values, const std::string& names,
                       const std::string& value_name, const std::string& help) {
  CLI::Option* option = state_->app.add_option(names, values);
  state_->add(option, names, value_name, help);
  option->multi_option_policy(CLI::MultiOptionPolicy::Throw)->expected(1, -1);
  option->allow_extra_args(false);
}

void Arguments::choice(std::string& value, const std::string& names,
                       const std::vector<std::string>& choices, const std::string& help) {
  std::string shown;
  for (const std::string& one : choices) shown += (shown.empty() ? "" : "|") + one;
  const auto check = [choices, shown](std::string& given) -> std::string {
    for (const std::string& one : choices) {
      if (given == one) return "";
    }
    return "`" + given + "` is not one of " + shown;
  };
  state_->add(state_->app.add_option(names, value)->check(CLI::Validator(check, "")), names, shown,
              help);
}

void Arguments::program(std::vector<std::string>& words, bool required, const std::string& help) {
  state_->program = &words;
  state_->program_required = required;
  state_->pages.push_back({"-- PROGRAM ARGS…", help, ""});
}

void Arguments::State::set(const std::string& name, const std::vector<std::string>& values) {
  CLI::Option* option = options.at(name);
  if (option->count() != 0) return;
  if (option->get_expected_min() == 0) {  // a flag
    option->add_result(option->get_flag_value(name, values.empty() ? "true" : values.front()));
  } else {
    option->add_result(values);
  }
  option->run_callback();
}

void Arguments::State::read_environment() {
  for (const auto& [name, option] : options) {
    if (name == "help") continue;
    const std::string variable =
        name == "config" ? "REPRISE_CONFIG" : "REPRISE_" + upper(command) + "_" + upper(name);
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    try {
      set(name, {value});
    } catch (const CLI::ParseError& error) {
      throw CLI::ParseError(variable + ": " + error.what(), CLI::ExitCodes::BaseClass);
    }
  }
}

void Arguments::State::read_config() {
  const bool named = !config.empty();
  const std::string file = named ? config : "reprise.toml";
  if (CLI::detail::check_path(file.c_str()) != CLI::detail::path_type::file) {
    if (named) {
      throw CLI::ParseError("--config: there is no file " + file, CLI::ExitCodes::BaseClass);
    }
    return;
  }
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(file)) {
    // "++" and "--" are where sections open and close. Those of other commands are theirs to check.
    if (item.name == "++" || item.name == "--") continue;
    if (item.parents != std::vector<std::string>{command}) continue;
    if (options.count(item.name) == 0 || item.name == "help" || item.name == "config") {
      throw CLI::ParseError(file + ": section [" + command + "] has `" + item.name +
                                "`, which is no option of `reprise " + command + "`",
                            CLI::ExitCodes::BaseClass);
    }
    try {
      set(item.name, item.inputs);
    } catch (const CLI::ParseError& error) {
      throw CLI::ParseError(file + ": [" + command + "] " + item.name + ": " + error.what(),
                            CLI::ExitCodes::BaseClass);
    }
  }
}

void Arguments::State::check_required(bool has_program) {
  for (const auto& [option, name] : required) {
    if (option->count() == 0) {
      throw CLI::ParseError(name + " is missing", CLI::ExitCodes::BaseClass);
    }
  }
  if (program_required && !has_program) {
    throw CLI::ParseError("no program is given; write it at the end, behind `--`",
                          CLI::ExitCodes::BaseClass);
  }
}

tl::expected<Arguments::Outcome, std::string> Arguments::parse(std::vector<std::string> words) {
  // Cut off here, since CLI11 would take apart what looks like a list ("[::1]").
  bool has_program = false;
  if (state_->program != nullptr) {
    const auto dashes = std::find(words.begin(), words.end(), "--");
    if (dashes != words.end()) {
      state_->program->assign(dashes + 1, words.end());
      words.erase(dashes, words.end());
      has_program = !state_->program->empty();
    }
  }
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    state_->app.parse(std::move(words));
    if (state_->outcome.help) return state_->outcome;
    state_->read_environment();
    state_->read_config();
    state_->check_required(has_program);
  } catch (const CLI::ExtrasError& error) {
    std::string message = error.what();
    if (state_->program != nullptr && !has_program) {
      message += "; the program and its arguments go behind `--`";
    }
    return tl::unexpected(message);
  } catch (const CLI::Error& error) {
    return tl::unexpected(std::string(error.what()));
  }
  return state_->outcome;
}

std::optional<std::chrono::nanoseconds> parse_duration(const std::string& text) {
  static const std::map<std::string, double> kUnits = {{"", 1e9},   {"ns", 1},     {"us", 1e3},
                                                       {"µs", 1e3}, {"ms", 1e6},   {"s", 1e9},
                                                       {"m", 6e10}, {"min", 6e10}, {"h", 3.6e12}};
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number) || number < 0) return std::nullopt;
  const auto unit = kUnits.find(end);
  if (unit == kUnits.end()) return std::nullopt;
  const double nanos = number * unit->second;
  if (nanos > 9e18) return std::nullopt;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanos));
}

}  // namespace reprise::cli
