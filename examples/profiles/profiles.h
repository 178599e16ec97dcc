// Profiles of users, from the directory. Browsers and caches may keep one for as long as the token
// it was asked with is good.
#ifndef EXAMPLES_PROFILES_PROFILES_H_
#define EXAMPLES_PROFILES_PROFILES_H_

#include <string>

#include "examples/http/server.h"
#include "examples/profiles/access_token.h"

namespace profiles {

/// Thread-safe.
class Profiles {
 public:
  /// `directory_url` such as "http://users.local:8080", without a slash at its end.
  explicit Profiles(std::string directory_url);

  /// The profile with Cache-Control; 404 for an unknown user, 502 when the directory fails. Blocks
  /// while the directory answers.
  [[nodiscard]] http::Answer Find(const std::string& user);

 private:
  const std::string directory_url_;
  TokenStore tokens_;
};

}  // namespace profiles

#endif  // EXAMPLES_PROFILES_PROFILES_H_
