#include "examples/ledger/redis_pool.h"

#include <utility>

namespace ledger {

RedisPool::RedisPool(const RedisServer& server, int connections) {
  for (int i = 0; i < connections; ++i) idle_.push_back(std::make_unique<RedisConnection>(server));
}

tl::expected<void, std::string> RedisPool::Connect() {
  const std::lock_guard lock(mutex_);
  for (const std::unique_ptr<RedisConnection>& connection : idle_) {
    if (auto pong = connection->Run({{"PING"}}); !pong) return tl::unexpected(pong.error());
  }
  return {};
}

tl::expected<std::vector<Reply>, std::string> RedisPool::Run(const std::vector<Command>& commands) {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return !idle_.empty(); });
  std::unique_ptr<RedisConnection> connection = std::move(idle_.back());
  idle_.pop_back();
  lock.unlock();

  auto replies = connection->Run(commands);

  lock.lock();
  idle_.push_back(std::move(connection));
  lock.unlock();
  returned_.notify_one();
  return replies;
}

}  // namespace ledger
