// Counts the hits of pages. How long the list of the most popular ones is says a setting in Redis,
// which is asked for every now and then.
//
// The bug: the setting may be gone, and who asks for it does not know.

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/zoo/epoll_server.h"
#include "tests/zoo/http_text.h"

namespace {

constexpr int kHitsBetweenLooks = 589;

class Hits {
 public:
  explicit Hits(int port) : redis_(redisConnect("127.0.0.1", port)) {}

  std::string Count(const std::string& page) {
    if (hits_++ % kHitsBetweenLooks == 0) Look();
    const int count = ++pages_[page];
    return zoo::ToText({.body = R"({"hits":)" + std::to_string(count) + R"(,"listed":)" +
                                std::to_string(std::min(listed_, pages_.size())) + "}"});
  }

 private:
  void Look() {
    const auto reply = static_cast<redisReply*>(redisCommand(redis_, "GET hits:listed"));
    if (reply == nullptr) return;
#ifdef FIXED
    if (reply->type == REDIS_REPLY_STRING)
#endif
      listed_ = std::strtoul(reply->str, nullptr, 10);
    freeReplyObject(reply);
  }

  redisContext* redis_;
  unsigned hits_ = 0;
  std::map<std::string, int> pages_;
  std::size_t listed_ = 0;
};

class Visitor : public zoo::Conversation {
 public:
  explicit Visitor(Hits& hits) : hits_(hits) {}

  std::string Received(std::string_view bytes) override {
    unread_ += bytes;
    std::string answers;
    while (const auto request = zoo::TakeRequest(unread_)) answers += hits_.Count(request->target);
    return answers;
  }

 private:
  Hits& hits_;
  std::string unread_;
};

}  // namespace

int main(int, char** argv) {
  Hits hits(std::atoi(argv[1]));
  zoo::ServeWithEpoll([&hits] { return std::make_unique<Visitor>(hits); });
}
