// A shop that gives each order a random number and keeps its items in Redis under it.
//
// The bug: a number of 16 bits is soon somebody else's, whose items are then in the order too.

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/zoo/listener.h"

namespace {

struct Shop {
  std::random_device random;
  redisContext* redis = nullptr;
};

void Reply(evhttp_request* request, int status, const char* body) {
  evbuffer* buffer = evbuffer_new();
  evbuffer_add_printf(buffer, "%s", body);
  evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
  evhttp_send_reply(request, status, nullptr, buffer);
  evbuffer_free(buffer);
}

void Order(evhttp_request* request, void* argument) {
  Shop& shop = *static_cast<Shop*>(argument);
  const unsigned number = shop.random() & 0xffff;
  const auto reply = static_cast<redisReply*>(
      redisCommand(shop.redis, "RPUSH order:%u %s", number, evhttp_request_get_uri(request) + 1));
  if (reply == nullptr || reply->type != REDIS_REPLY_INTEGER) {
    return Reply(request, 502, "{}");
  }
  const long long items = reply->integer;
  freeReplyObject(reply);
#ifdef FIXED
  // Nothing is in an order that is new. The customer's next try has another number.
  if (items != 1) return Reply(request, 503, R"({"error":"try again"})");
#endif
  char body[64];
  std::snprintf(body, sizeof body, R"({"order":%u,"items":%lld})", number, items);
  Reply(request, 201, body);
}

}  // namespace

int main(int, char** argv) {
  Shop shop;
  shop.redis = redisConnect("127.0.0.1", std::atoi(argv[1]));
  if (shop.redis == nullptr || shop.redis->err != 0) return 1;
  event_base* base = event_base_new();
  evhttp* http = evhttp_new(base);
  evhttp_set_gencb(http, &Order, &shop);
  evhttp_bound_socket* bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
  if (bound == nullptr) return 1;
  zoo::Announce(zoo::PortOf(evhttp_bound_socket_get_fd(bound)));
  return event_base_dispatch(base);
}
