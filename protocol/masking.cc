#include "protocol/masking.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "event/secrecy.h"
#include "protocol/http1/syntax.h"
#include "protocol/resp/commands.h"

namespace reprise::protocol {
namespace {

using event::kMasked;

// Named like secrets, but they ask for one, name a request, or are drawn anew each time.
bool is_harmless_header(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>({"WWW-Authenticate", "Proxy-Authenticate",
                                                           "Authentication-Info", "Idempotency-Key",
                                                           "Sec-WebSocket-Key", "Surrogate-Key"});
  return std::ranges::any_of(
      kNames, [&](std::string_view known) { return http1::equal_ignoring_case(known, name); });
}

// "id=***" of "id=7"
std::string masked_pair(std::string_view pair) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return std::string(kMasked);
  return std::string(pair.substr(0, equals + 1)) + std::string(kMasked);
}

// Each pair of a Cookie; of a Set-Cookie the first, behind which its attributes stand.
std::string masked_cookies(std::string_view value, bool all) {
  std::string masked;
  for (bool first = true;; first = false) {
    const std::size_t end = value.find(';');
    std::string_view pair = value.substr(0, end);
    const std::size_t begin = std::min(pair.find_first_not_of(' '), pair.size());
    masked += pair.substr(0, begin);
    pair.remove_prefix(begin);
    masked += (first || all) && !pair.empty() ? masked_pair(pair) : std::string(pair);
    if (end == std::string_view::npos) return masked;
    masked += ';';
    value.remove_prefix(end + 1);
  }
}

bool mask(Fields& headers) {
  bool any = false;
  for (auto& [name, value] : headers) {
    std::string shown = masked_header(name, value);
    any = any || shown != value;
    value = std::move(shown);
  }
  return any;
}

bool mask_http(Message& message) {
  bool any = mask(message.headers);
  any = mask(message.trailers) || any;
  for (InterimResponse& interim : message.interim) any = mask(interim.headers) || any;
  return any;
}

void mask_from(std::vector<std::string>& arguments, std::size_t begin, std::size_t count) {
  for (std::size_t i = begin; i < std::min(arguments.size(), begin + count); ++i) {
    arguments[i] = kMasked;
  }
}

// The words of a rule for a user: ">password", "<password", "#hash", "!hash" (redis.io/commands/
// acl-setuser).
void mask_rules(std::vector<std::string>& arguments) {
  for (std::size_t i = 3; i < arguments.size(); ++i) {
    const std::string& rule = arguments[i];
    if (rule.find_first_of("><#!") == 0) arguments[i] = rule[0] + std::string(kMasked);
  }
}

bool mask_command(Message& message) {
  std::vector<std::string> shown = masked_arguments(message.arguments);
  if (shown == message.arguments) return false;
  message.arguments = std::move(shown);
  std::string bytes = "*" + std::to_string(message.arguments.size()) + "\r\n";
  for (const std::string& argument : message.arguments) {
    bytes += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  message.body.assign(bytes.begin(), bytes.end());
  message.decoded_body = message.body;
  return true;
}

}  // namespace

std::string masked_header(std::string_view name, const std::string& value) {
  if (!event::names_secret(name) || is_harmless_header(name)) return value;
  const bool sets = http1::equal_ignoring_case(name, "Set-Cookie");
  if (sets || http1::equal_ignoring_case(name, "Cookie")) return masked_cookies(value, !sets);
  const bool has_scheme = http1::equal_ignoring_case(name, "Authorization") ||
                          http1::equal_ignoring_case(name, "Proxy-Authorization");
  const std::size_t blank = has_scheme ? value.find(' ') : std::string::npos;
  if (blank == std::string::npos) return std::string(kMasked);
  return value.substr(0, blank + 1) + std::string(kMasked);
}

std::vector<std::string> masked_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> shown = arguments;
  if (arguments.size() < 2) return shown;
  const std::string command = resp::upper_case(arguments[0]);
  if (command == "AUTH") {
    mask_from(shown, arguments.size() == 2 ? 1 : 2, arguments.size());
  } else if (command == "ACL" && resp::upper_case(arguments[1]) == "SETUSER") {
    mask_rules(shown);
  } else if (command == "HELLO" || command == "MIGRATE") {
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      const std::string word = resp::upper_case(arguments[i]);
      const bool with_user = word == "AUTH2" || (word == "AUTH" && command == "HELLO");
      if (with_user || word == "AUTH") mask_from(shown, i + (with_user ? 2 : 1), 1);
    }
  } else if (command == "CONFIG" || command == "SENTINEL") {
    for (std::size_t i = 2; i + 1 < arguments.size(); ++i) {
      if (event::names_secret(arguments[i])) mask_from(shown, ++i, 1);
    }
  }
  return shown;
}

bool may_prove_identity(event::Protocol protocol, std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // A password, and what asks for one; only either begins a request or a response.
  if (protocol == event::Protocol::kPostgres) return text.starts_with('p') || text.starts_with('R');
  if (protocol != event::Protocol::kResp) return false;
  constexpr std::size_t kCommandBytes = 256;
  const std::string words = resp::upper_case(text.substr(0, kCommandBytes));
  return words.find("AUTH") != std::string::npos || words.find("SETUSER") != std::string::npos ||
         words.find("REQUIREPASS") != std::string::npos;
}

bool mask(Message& message) {
  if (message.is_secret) {
    message.body = message.decoded_body;
    return true;
  }
  if (message.protocol == event::Protocol::kHttp1) return mask_http(message);
  return !message.arguments.empty() && mask_command(message);
}

}  // namespace reprise::protocol
