// The token that the directory of users wants with each question.
#ifndef EXAMPLES_PROFILES_ACCESS_TOKEN_H_
#define EXAMPLES_PROFILES_ACCESS_TOKEN_H_

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "examples/http/client.h"

namespace profiles {

struct AccessToken {
  std::string text;
  std::chrono::system_clock::time_point expires;
};

/// One for all threads. Thread-safe.
class TokenStore {
 public:
  explicit TokenStore(std::string directory_url);

  /// A token that is good now; asks the directory for another one when there is none. Nothing when
  /// the directory gives none.
  [[nodiscard]] std::optional<AccessToken> GoodToken(http::Client& directory);

 private:
  const std::string directory_url_;
  std::mutex mutex_;
  AccessToken token_;  // expired until there is one
};

}  // namespace profiles

#endif  // EXAMPLES_PROFILES_ACCESS_TOKEN_H_
