// A connection to Redis, on hiredis.
#ifndef EXAMPLES_CHECKOUT_REDIS_CONNECTION_H_
#define EXAMPLES_CHECKOUT_REDIS_CONNECTION_H_

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "examples/checkout/failure.h"

namespace checkout {

struct FreeRedisReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
/// Never null, never of type REDIS_REPLY_ERROR.
using RedisReply = std::unique_ptr<redisReply, FreeRedisReply>;

struct RedisServer {
  std::string host;
  int port = 6379;
};

/// Owns one connection, opened at the first command and again at the first one after a failure.
/// Blocks for at most two seconds a command. Not thread-safe: every worker has its own.
class RedisConnection {
 public:
  explicit RedisConnection(RedisServer server);

  /// Sends `words`, such as {"DECRBY", "stock:tea-250", "2"}, and waits for the reply.
  /// Fails with kDependencyUnavailable when Redis cannot be reached or answers with an error.
  [[nodiscard]] Result<RedisReply> Command(const std::vector<std::string_view>& words);

  /// Command() whose reply has to be an integer.
  [[nodiscard]] Result<int64_t> IntegerCommand(const std::vector<std::string_view>& words);

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };

  [[nodiscard]] Result<void> Connect();
  /// Drops the connection; what it said last becomes the message.
  [[nodiscard]] Failure Disconnect();

  RedisServer server_;
  std::unique_ptr<redisContext, FreeContext> context_;
};

/// The text of a bulk string reply, nothing for nil and every other type.
[[nodiscard]] std::optional<std::string> ReplyText(const redisReply& reply);

/// The whole number a bulk string reply spells, nothing when it does not.
[[nodiscard]] std::optional<int64_t> ReplyNumber(const redisReply& reply);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_REDIS_CONNECTION_H_
