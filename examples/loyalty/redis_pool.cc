#include "examples/loyalty/redis_pool.h"

#include <utility>

namespace loyalty {

RedisPool::RedisPool(std::string host, int port) : host_(std::move(host)), port_(port) {}

RedisConnection RedisPool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      RedisConnection redis = std::move(idle_.back());
      idle_.pop_back();
      return redis;
    }
  }
  RedisConnection redis(redisConnect(host_.c_str(), port_));
  if (redis != nullptr && redis->err != 0) return nullptr;
  return redis;
}

void RedisPool::Return(RedisConnection redis) {
  if (redis->err != 0) return;
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(redis));
}

RedisReply NextReply(redisContext& redis) {
  void* reply = nullptr;
  redisGetReply(&redis, &reply);
  return RedisReply(static_cast<redisReply*>(reply));
}

}  // namespace loyalty
