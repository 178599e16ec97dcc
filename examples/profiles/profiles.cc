#include "examples/profiles/profiles.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "examples/http/client.h"

namespace profiles {
namespace {

// How many more seconds a token is good, for Cache-Control: max-age, which has no sign.
std::uint32_t SecondsLeft(const AccessToken& token) {
  const auto now = std::chrono::system_clock::now();
#ifdef PROFILES_FIXED
  if (now >= token.expires) return 0;
#endif
  const auto left = std::chrono::floor<std::chrono::seconds>(token.expires - now);
  return static_cast<std::uint32_t>(left.count());
}

}  // namespace

Profiles::Profiles(std::string directory_url)
    : directory_url_(directory_url), tokens_(std::move(directory_url)) {}

http::Answer Profiles::Find(const std::string& user) {
  http::Client directory;
  const std::optional<AccessToken> token = tokens_.GoodToken(directory);
  if (!token) return {502, "{\"error\":\"the directory gives no token\"}\n"};
  const std::optional<http::Reply> profile =
      directory.Get(directory_url_ + "/users/" + user + "?token=" + token->text);
  if (profile && profile->status == 404) return {404, "{\"error\":\"nobody has this name\"}\n"};
  if (!profile || profile->status != 200) return {502, "{\"error\":\"the directory failed\"}\n"};
  return {
      200, profile->body, {{"Cache-Control", "max-age=" + std::to_string(SecondsLeft(*token))}}};
}

}  // namespace profiles
