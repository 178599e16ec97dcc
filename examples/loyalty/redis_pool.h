// Connections to Redis, shared by the threads that serve requests.
#ifndef EXAMPLES_LOYALTY_REDIS_POOL_H_
#define EXAMPLES_LOYALTY_REDIS_POOL_H_

#include <hiredis/hiredis.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace loyalty {

struct FreeRedis {
  void operator()(redisContext* redis) const { redisFree(redis); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using RedisConnection = std::unique_ptr<redisContext, FreeRedis>;
using RedisReply = std::unique_ptr<redisReply, FreeRedis>;

/// Thread-safe. Opens as many connections as are in use at once, and keeps them.
class RedisPool {
 public:
  RedisPool(std::string host, int port);

  /// Null when Redis cannot be reached.
  [[nodiscard]] RedisConnection Take();

  /// Takes a connection back for the next one who needs it. One that failed is closed.
  void Return(RedisConnection redis);

 private:
  const std::string host_;
  const int port_;
  std::mutex mutex_;
  std::vector<RedisConnection> idle_;
};

/// The next reply to what was sent; null when the connection failed.
[[nodiscard]] RedisReply NextReply(redisContext& redis);

}  // namespace loyalty

#endif  // EXAMPLES_LOYALTY_REDIS_POOL_H_
