// What of a recording proves who somebody is, told by the name it goes by: of variables of the
// environment, of words of a command line, of headers and settings. The one list of such names.
//
// Names are all there is to go by, so this finds what is called a secret, not what is one.
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise::event {

// Stands for what is not shown.
inline constexpr std::string_view kMasked = "***";

// "API_TOKEN", "requirepass", "--db-password", "X-Api-Key"; case does not matter.
[[nodiscard]] bool names_secret(std::string_view name);

// A variable of the environment, NAME=value; as a whole when its value is a URL with a password,
// so that nobody takes what is left for the value.
[[nodiscard]] std::string masked_variable(const std::string& entry);

// A command line for people. Masked are what follows a name in a word ("--password=x",
// "host=db password=x"), the word behind an option ("--requirepass x") and the user and password
// of a URL.
[[nodiscard]] std::vector<std::string> masked_command(const std::vector<std::string>& words);

}  // namespace reprise::event
