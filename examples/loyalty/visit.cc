#include "examples/loyalty/visit.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace loyalty {
namespace {

using Json = nlohmann::ordered_json;

http::Answer Error(int status, std::string_view message) {
  return {status, Json{{"error", message}}.dump() + "\n"};
}

std::string Text(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  return {reply.str, reply.len};
}

}  // namespace

http::Answer Visit(const std::string& card, redisContext& redis) {
  redisAppendCommand(&redis, "GET name:%s", card.c_str());
  redisAppendCommand(&redis, "INCR visits:%s", card.c_str());
  const RedisReply name = NextReply(redis);
#ifdef LOYALTY_FIXED
  const RedisReply visits = NextReply(redis);
  if (name && name->type == REDIS_REPLY_NIL) return Error(404, "nobody has this card");
#else
  if (name && name->type == REDIS_REPLY_NIL) return Error(404, "nobody has this card");
  const RedisReply visits = NextReply(redis);
#endif
  if (!name || !visits) return Error(502, redis.errstr);
  return {200, Json{{"name", Text(*name)}, {"visits", visits->integer}}.dump() + "\n"};
}

}  // namespace loyalty
