// A fixed number of connections to Redis that many threads share.
#ifndef EXAMPLES_LEDGER_REDIS_POOL_H_
#define EXAMPLES_LEDGER_REDIS_POOL_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "examples/ledger/redis_connection.h"

namespace ledger {

/// Thread-safe.
class RedisPool {
 public:
  RedisPool(const RedisServer& server, int connections);

  /// Opens every connection ahead of its first use. The error is that of the first one that fails;
  /// it is opened when it is used.
  [[nodiscard]] tl::expected<void, std::string> Connect();

  /// RedisConnection::Run() on a connection that nobody uses; waits for one.
  [[nodiscard]] tl::expected<std::vector<Reply>, std::string> Run(
      const std::vector<Command>& commands);

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<RedisConnection>> idle_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_REDIS_POOL_H_
