// Profiles of users, from an upstream that wants a token. A profile may be kept by the client for
// as long as the token it was asked with is good.
//
// The bug: the token is looked at when the upstream is asked, and again when it has answered. One
// that expires in between has a negative time to live, which is a very long one without a sign.

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>

#include "tests/zoo/fetch.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

std::uint64_t NowMs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

struct Token {
  std::string text;
  std::uint64_t expires_ms = 0;

  // How long it is good yet.
  [[nodiscard]] std::uint64_t LeftMs() const {
    const std::uint64_t now = NowMs();
#ifdef FIXED
    if (now >= expires_ms) return 0;
#endif
    return expires_ms - now;
  }
};

class Profiles {
 public:
  explicit Profiles(std::string upstream) : upstream_(std::move(upstream)) {}

  zoo::Response Answer(const zoo::Request& request) {
    zoo::Fetcher fetcher;
    const Token token = GoodToken(fetcher);
    const auto profile =
        fetcher.Get(upstream_ + std::string(request.Path()) + "?token=" + token.text);
    if (!profile || profile->status != 200) return {.status = 502, .body = "{}"};
    return {.body = R"({"profile":)" + profile->body + R"(,"keep_ms":)" +
                    std::to_string(token.LeftMs()) + "}"};
  }

 private:
  Token GoodToken(zoo::Fetcher& fetcher) {
    const std::lock_guard lock(mutex_);
    if (NowMs() >= token_.expires_ms) {
      if (const auto given = fetcher.Post(upstream_ + "/tokens", "profiles")) {
        token_.text = zoo::Field(given->body, "token");
        token_.expires_ms =
            std::strtoull(zoo::Field(given->body, "expires_ms").c_str(), nullptr, 10);
      }
    }
    return token_;
  }

  const std::string upstream_;
  std::mutex mutex_;
  Token token_;
};

}  // namespace

int main(int, char** argv) {
  Profiles profiles(argv[1]);
  zoo::ServeWithPool(3, [&](const zoo::Request& request) { return profiles.Answer(request); });
}
