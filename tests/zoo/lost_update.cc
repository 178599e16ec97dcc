// Accounts that money of any currency is paid into.
//
// The bug: the balance is read before the rate is asked for, and written after. Of two payments at
// the same time one is lost.

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

class Accounts {
 public:
  explicit Accounts(std::string rates) : rates_(std::move(rates)) {}

  zoo::Response Deposit(const zoo::Request& request) {
    const std::string account(request.Path());
    const long amount = std::atol(request.Parameter("amount").c_str());
    const long balance = Balance(account);
    http::Client fetcher;
    const auto rate = fetcher.Get(rates_ + "/rates/" + request.Parameter("currency"));
    if (!rate || rate->status != 200) return {.status = 502, .body = "{}"};
    const long cents = amount * std::atol(zoo::Field(rate->body, "cents").c_str());
    const std::lock_guard lock(mutex_);
#ifdef FIXED
    balances_[account] += cents;
#else
    balances_[account] = balance + cents;
#endif
    return {.status = 201,
            .body = R"({"before":)" + std::to_string(balance) + R"(,"after":)" +
                    std::to_string(balances_[account]) + "}"};
  }

 private:
  long Balance(const std::string& account) {
    const std::lock_guard lock(mutex_);
    return balances_[account];
  }

  const std::string rates_;
  std::mutex mutex_;
  std::map<std::string, long> balances_;
};

}  // namespace

int main(int, char** argv) {
  Accounts accounts(argv[1]);
  zoo::ServeWithPool(4, [&](const zoo::Request& request) { return accounts.Deposit(request); });
}
