#include "examples/checkout/redis_connection.h"

#include <fmt/format.h>
#include <sys/time.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace checkout {
namespace {

constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};

Failure Unavailable(std::string_view what) {
  return {FailureKind::kDependencyUnavailable, fmt::format("redis: {}", what)};
}

}  // namespace

RedisConnection::RedisConnection(RedisServer server) : server_(std::move(server)) {}

Result<void> RedisConnection::Connect() {
  context_.reset(redisConnectWithTimeout(server_.host.c_str(), server_.port, kPatience));
  if (context_ == nullptr) return tl::unexpected(Unavailable("out of memory"));
  if (context_->err != 0 || redisSetTimeout(context_.get(), kPatience) != REDIS_OK) {
    return tl::unexpected(Disconnect());
  }
  return {};
}

Failure RedisConnection::Disconnect() {
  const Failure failure = Unavailable(context_->errstr);
  context_.reset();
  return failure;
}

Result<RedisReply> RedisConnection::Command(const std::vector<std::string_view>& words) {
  if (context_ == nullptr) {
    if (Result<void> connected = Connect(); !connected) return tl::unexpected(connected.error());
  }
  std::vector<const char*> starts;
  std::vector<size_t> sizes;
  for (const std::string_view word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  RedisReply reply(static_cast<redisReply*>(redisCommandArgv(
      context_.get(), static_cast<int>(words.size()), starts.data(), sizes.data())));
  if (reply == nullptr) return tl::unexpected(Disconnect());
  if (reply->type == REDIS_REPLY_ERROR) {
    return tl::unexpected(Unavailable({reply->str, reply->len}));
  }
  return reply;
}

Result<int64_t> RedisConnection::IntegerCommand(const std::vector<std::string_view>& words) {
  Result<RedisReply> reply = Command(words);
  if (!reply) return tl::unexpected(reply.error());
  if ((*reply)->type != REDIS_REPLY_INTEGER) {
    return tl::unexpected(Unavailable(fmt::format("{} gave no integer", words.front())));
  }
  return (*reply)->integer;
}

std::optional<std::string> ReplyText(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_STRING) return std::nullopt;
  return std::string(reply.str, reply.len);
}

std::optional<int64_t> ReplyNumber(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_STRING) return std::nullopt;
  int64_t number = 0;
  const char* const end = reply.str + reply.len;
  const auto parsed = std::from_chars(reply.str, end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace checkout
