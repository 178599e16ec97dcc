#include "examples/profiles/access_token.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace profiles {
namespace {

using std::chrono::system_clock;

// Of {"token": TEXT, "expires_ms": milliseconds since 1970}.
std::optional<AccessToken> ParseToken(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json["token"].is_string() || !json["expires_ms"].is_number_integer()) {
    return std::nullopt;
  }
  const std::chrono::milliseconds expires(json["expires_ms"].get<std::int64_t>());
  return AccessToken{json["token"], system_clock::time_point(expires)};
}

}  // namespace

TokenStore::TokenStore(std::string directory_url) : directory_url_(std::move(directory_url)) {}

std::optional<AccessToken> TokenStore::GoodToken(http::Client& directory) {
  const std::lock_guard lock(mutex_);
  if (system_clock::now() >= token_.expires) {
    const auto given = directory.Post(directory_url_ + "/tokens", "{}");
    const auto token = given && given->status == 201 ? ParseToken(given->body) : std::nullopt;
    if (!token) return std::nullopt;
    token_ = *token;
  }
  return token_;
}

}  // namespace profiles
