#include "examples/ledger/redis_connection.h"

#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace ledger {
namespace {

constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};

Reply ToReply(const redisReply& from) {
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {.kind = Reply::Kind::kText, .text = std::string(from.str, from.len)};
    case REDIS_REPLY_ERROR:
      return {.kind = Reply::Kind::kError, .text = std::string(from.str, from.len)};
    case REDIS_REPLY_INTEGER:
      return {.kind = Reply::Kind::kInteger, .integer = from.integer};
    case REDIS_REPLY_ARRAY: {
      Reply array{.kind = Reply::Kind::kArray};
      for (size_t i = 0; i < from.elements; ++i) {
        array.elements.push_back(ToReply(*from.element[i]));
      }
      return array;
    }
    default:
      return {};
  }
}

}  // namespace

RedisConnection::RedisConnection(RedisServer server) : server_(std::move(server)) {}

tl::expected<std::vector<Reply>, std::string> RedisConnection::Run(
    const std::vector<Command>& commands) {
  if (context_ == nullptr) {
    if (auto connected = Connect(); !connected) {
      context_.reset();
      return tl::unexpected(connected.error());
    }
  }
  auto replies = Exchange(commands);
  if (!replies) context_.reset();
  return replies;
}

tl::expected<void, std::string> RedisConnection::Connect() {
  context_.reset(redisConnectWithTimeout(server_.host.c_str(), server_.port, kPatience));
  if (context_ == nullptr) return tl::unexpected<std::string>("out of memory");
  if (context_->err != 0 || redisSetTimeout(context_.get(), kPatience) != REDIS_OK) {
    return tl::unexpected<std::string>(context_->errstr);
  }
  if (server_.version == RespVersion::kResp2) return {};
  resp3_reader_ = {};
  const auto hello = Exchange({{"HELLO", "3"}});
  if (!hello) return tl::unexpected(hello.error());
  if (hello->front().kind == Reply::Kind::kError) return tl::unexpected(hello->front().text);
  return {};
}

tl::expected<std::vector<Reply>, std::string> RedisConnection::Exchange(
    const std::vector<Command>& commands) {
  if (auto sent = Send(commands); !sent) return tl::unexpected(sent.error());
  std::vector<Reply> replies;
  while (replies.size() < commands.size()) {
    auto reply = server_.version == RespVersion::kResp3 ? ReceiveResp3() : ReceiveResp2();
    if (!reply) return tl::unexpected(reply.error());
    replies.push_back(*std::move(reply));
  }
  return replies;
}

tl::expected<void, std::string> RedisConnection::Send(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    std::vector<const char*> starts;
    std::vector<size_t> sizes;
    for (const std::string& word : command) {
      starts.push_back(word.data());
      sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(command.size()), starts.data(),
                               sizes.data()) != REDIS_OK) {
      return tl::unexpected<std::string>(context_->errstr);
    }
  }
  int done = 0;
  while (done == 0) {
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
      return tl::unexpected<std::string>(context_->errstr);
    }
  }
  return {};
}

tl::expected<Reply, std::string> RedisConnection::ReceiveResp2() {
  void* received = nullptr;
  if (redisGetReply(context_.get(), &received) != REDIS_OK) {
    return tl::unexpected<std::string>(context_->errstr);
  }
  const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
      static_cast<redisReply*>(received), &freeReplyObject);
  return ToReply(*reply);
}

tl::expected<Reply, std::string> RedisConnection::ReceiveResp3() {
  for (;;) {
    tl::expected<std::optional<Reply>, std::string> reply = resp3_reader_.Next();
    if (!reply) return tl::unexpected(reply.error());
    if (reply->has_value()) return **std::move(reply);
    std::array<char, 16 * 1024> bytes;
    const ssize_t count = read(context_->fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::unexpected<std::string>(std::strerror(errno));
    if (count == 0) return tl::unexpected<std::string>("Server closed the connection");
    resp3_reader_.Feed({bytes.data(), static_cast<size_t>(count)});
  }
}

}  // namespace ledger
