// Prices, from a cache that is filled with the whole list, or with a fresh price of one thing.
//
// The bug: a list that is asked for before a fresh price, and comes after it, puts the old price
// over the fresh one.

#include <map>
#include <mutex>
#include <sstream>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

class Prices {
 public:
  explicit Prices(std::string catalogue) : catalogue_(std::move(catalogue)) {}

  zoo::Response Answer(const zoo::Request& request) {
    if (request.target == "/list") return Load();
    const std::string thing = request.target.substr(request.target.rfind('/') + 1);
    return request.method == "POST" ? Refresh(thing) : Show(thing);
  }

 private:
  // The list has lines "THING PRICE".
  zoo::Response Load() {
    http::Client fetcher;
    const auto list = fetcher.Get(catalogue_ + "/list");
    if (!list || list->status != 200) return {.status = 502, .body = "{}"};
    std::istringstream lines(list->body);
    std::string thing;
    std::string price;
    const std::lock_guard lock(mutex_);
    while (lines >> thing >> price) {
#ifdef FIXED
      prices_.emplace(thing, price);
#else
      prices_[thing] = price;
#endif
    }
    return {.body = R"({"things":)" + std::to_string(prices_.size()) + "}"};
  }

  zoo::Response Refresh(const std::string& thing) {
    http::Client fetcher;
    const auto price = fetcher.Get(catalogue_ + "/fresh/" + thing);
    if (!price || price->status != 200) return {.status = 502, .body = "{}"};
    const std::lock_guard lock(mutex_);
    prices_[thing] = price->body;
    return {.body = R"({"price":)" + price->body + "}"};
  }

  zoo::Response Show(const std::string& thing) {
    const std::lock_guard lock(mutex_);
    const auto found = prices_.find(thing);
    if (found == prices_.end()) return {.status = 404, .body = "{}"};
    return {.body = R"({"price":)" + found->second + "}"};
  }

  const std::string catalogue_;
  std::mutex mutex_;
  std::map<std::string, std::string> prices_;
};

}  // namespace

int main(int, char** argv) {
  Prices prices(argv[1]);
  zoo::ServeThreadPerConnection(
      [&](const zoo::Request& request) { return prices.Answer(request); });
}
