// Payments, by way of a provider that is asked once more, after a moment, when it is not well. The
// moment is random, so that not all who were refused come back at once.
//
// The bug: a moment may be too short for the provider, who then says 429, and 4xx is taken for its
// verdict on the payment.

#include <chrono>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "examples/http/client.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

constexpr int kLongestPauseMs = 120;

class Payments {
 public:
  explicit Payments(std::string provider) : provider_(std::move(provider)) {}

  zoo::Response Pay(const zoo::Request& request) {
    http::Client fetcher;
    auto charge = fetcher.Post(provider_ + "/charges", request.body);
    if (charge && charge->status == 503) {
      std::this_thread::sleep_for(Pause());
      charge = fetcher.Post(provider_ + "/charges", request.body);
    }
    if (charge && charge->status == 200) return {.status = 201, .body = R"({"paid":true})"};
#ifdef FIXED
    if (charge && charge->status == 429) return {.status = 503, .body = R"({"error":"later"})"};
#endif
    if (charge && charge->status / 100 == 4) {
      return {.status = 402, .body = R"({"error":"declined"})"};
    }
    return {.status = 502, .body = "{}"};
  }

 private:
  std::chrono::milliseconds Pause() {
    const std::lock_guard lock(mutex_);
    return std::chrono::milliseconds(
        std::uniform_int_distribution<int>(0, kLongestPauseMs)(random_));
  }

  const std::string provider_;
  std::mutex mutex_;
  std::mt19937 random_{std::random_device()()};
};

}  // namespace

int main(int, char** argv) {
  Payments payments(argv[1]);
  zoo::ServeThreadPerConnection([&](const zoo::Request& request) { return payments.Pay(request); });
}
