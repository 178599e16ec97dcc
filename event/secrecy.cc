#include "event/secrecy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <optional>

namespace reprise::event {
namespace {

std::string upper_case(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

// Where "user:password" is in "postgres://user:password@host".
struct Range {
  std::size_t begin = 0, end = 0;
};
std::optional<Range> credentials_in(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::size_t begin = scheme + 3;
  const std::size_t at = text.find('@', begin);
  const std::size_t colon = text.find(':', begin);
  const std::size_t slash = text.find('/', begin);
  const bool there = at != std::string_view::npos && colon < at && at < slash;
  return there ? std::optional<Range>({begin, at}) : std::nullopt;
}

// What of `word` is masked by itself. Whatever stands behind a name with "=" is: a value may be
// quoted, and hold blanks.
std::string masked_word(const std::string& word) {
  constexpr std::string_view kSeparators = " \t?&;,'\"";
  for (std::size_t at = word.find('='); at != std::string::npos; at = word.find('=', at + 1)) {
    const std::size_t separator = word.find_last_of(kSeparators, at);
    const std::size_t begin = separator == std::string::npos ? 0 : separator + 1;
    if (names_secret(std::string_view(word).substr(begin, at - begin))) {
      return masked_word(word.substr(0, begin)) + word.substr(begin, at + 1 - begin) +
             std::string(kMasked);
    }
  }
  const auto credentials = credentials_in(word);
  if (!credentials) return word;
  return word.substr(0, credentials->begin) + std::string(kMasked) + word.substr(credentials->end);
}

// "--requirepass", whose value is the word behind it.
bool is_secret_option(std::string_view word) {
  return word.starts_with('-') && word.find('=') == std::string_view::npos && names_secret(word);
}

}  // namespace

bool names_secret(std::string_view name) {
  constexpr auto kWords = std::to_array<std::string_view>(
      {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "REQUIREPASS", "CREDENTIAL", "KEY",
       "AUTH", "COOKIE", "DSN"});
  const std::string upper = upper_case(name);
  return std::ranges::any_of(
      kWords, [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

std::string masked_variable(const std::string& entry) {
  const std::string name = entry.substr(0, entry.find('='));
  const bool secret = names_secret(name) || credentials_in(entry);
  return secret ? name + "=" + std::string(kMasked) : entry;
}

std::vector<std::string> masked_command(const std::vector<std::string>& words) {
  std::vector<std::string> masked;
  bool after_option = false;
  for (const std::string& word : words) {
    const bool value = after_option && !word.starts_with("--");
    masked.push_back(value ? std::string(kMasked) : masked_word(word));
    after_option = !value && is_secret_option(word);
  }
  return masked;
}

}  // namespace reprise::event
