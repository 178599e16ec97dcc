#include "examples/checkout/worker.h"

#include <fmt/format.h>

#include "examples/checkout/log.h"

namespace checkout {

thread_local Worker* Worker::current_ = nullptr;

Worker::Worker(const Dependencies& dependencies)
    : redis_(dependencies.redis),
      payments_(dependencies.payments_url),
      stock_(redis_),
      orders_(redis_),
      checkout_(stock_, payments_, orders_, dependencies.warehouse_host),
      handler_(checkout_, orders_) {}

void Worker::Connect() {
  if (const Result<RedisReply> pong = redis_.Command({"PING"}); !pong) {
    LogLine(fmt::format("warning: {}", pong.error().message));
  }
  if (const Result<void> connected = payments_.Connect(); !connected) {
    LogLine(fmt::format("warning: {}", connected.error().message));
  }
}

}  // namespace checkout
