// Accounts with an owner, entries and totals. Kept in Redis:
//   account:ID:owner     string
//   account:ID:entries   list of "NUMBER AMOUNT", oldest first
//   account:ID:totals    hash: credit and debit, sums of the amounts above and below zero
//   ledger:entries       number of entries in all accounts
//   ledger:turnover      sorted set: account -> sum of its amounts without their signs
#ifndef EXAMPLES_LEDGER_ACCOUNT_BOOK_H_
#define EXAMPLES_LEDGER_ACCOUNT_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "examples/ledger/redis_pool.h"

namespace ledger {

enum class FailureKind { kUnknownAccount, kRedis };

struct Failure {
  FailureKind kind;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Failure>;

/// Thread-safe; borrows its pool. What Redis does not answer as expected is kRedis.
class AccountBook {
 public:
  explicit AccountBook(RedisPool& redis) : redis_(redis) {}

  /// Opens `account`, or gives it another owner.
  [[nodiscard]] Result<void> SetOwner(const std::string& account, const std::string& owner);

  /// kUnknownAccount.
  [[nodiscard]] Result<std::string> Owner(const std::string& account);

  /// Adds an entry, with its totals or not at all, and gives its number. kUnknownAccount.
  [[nodiscard]] Result<int64_t> Enter(const std::string& account, int64_t amount);

  /// Entries from index `first` to `last`, both included, where -1 is the newest.
  [[nodiscard]] Result<std::vector<std::string>> Entries(const std::string& account, int64_t first,
                                                         int64_t last);

  [[nodiscard]] Result<std::map<std::string, std::string>> Totals(const std::string& account);

 private:
  /// The replies to `commands`, none of them an error.
  [[nodiscard]] Result<std::vector<Reply>> Run(const std::vector<Command>& commands);

  RedisPool& redis_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_ACCOUNT_BOOK_H_
