// Users and how often they were here, from Redis, whose connections are pooled.
//
// The bug: two commands are sent at once, and who is not known is told so after the first reply.
// The connection goes back into the pool with the second one unread, which the next user of it
// takes for an answer to what it asks.

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

using Reply =
    std::unique_ptr<redisReply, decltype([](redisReply* reply) { freeReplyObject(reply); })>;

Reply NextReply(redisContext* redis) {
  void* reply = nullptr;
  redisGetReply(redis, &reply);
  return Reply(static_cast<redisReply*>(reply));
}

class Pool {
 public:
  explicit Pool(int port) : port_(port) {}

  redisContext* Take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return redisConnect("127.0.0.1", port_);
    redisContext* redis = idle_.back();
    idle_.pop_back();
    return redis;
  }

  void Return(redisContext* redis) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(redis);
  }

 private:
  const int port_;
  std::mutex mutex_;
  std::vector<redisContext*> idle_;
};

zoo::Response Visit(const zoo::Request& request, redisContext* redis) {
  const std::string user = request.target.substr(1);
  redisAppendCommand(redis, "GET name:%s", user.c_str());
  redisAppendCommand(redis, "INCR visits:%s", user.c_str());
  const Reply name = NextReply(redis);
#ifdef FIXED
  const Reply visits = NextReply(redis);
#endif
  if (!name || name->type == REDIS_REPLY_NIL) {
    return {.status = 404, .body = R"({"error":"unknown"})"};
  }
#ifndef FIXED
  const Reply visits = NextReply(redis);
#endif
  if (!visits) return {.status = 502, .body = "{}"};
  const std::string text =
      name->type == REDIS_REPLY_STRING ? name->str : std::to_string(name->integer);
  return {.body = R"({"name":")" + text + R"(","visits":)" + std::to_string(visits->integer) + "}"};
}

}  // namespace

int main(int, char** argv) {
  Pool pool(std::atoi(argv[1]));
  zoo::ServeThreadPerConnection([&](const zoo::Request& request) {
    redisContext* redis = pool.Take();
    const zoo::Response response = Visit(request, redis);
    pool.Return(redis);
    return response;
  });
}
