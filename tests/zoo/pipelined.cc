// Accounts, for those who say who they are. Several requests may come at once.
//
// The bug: who asks is forgotten at the next read, and not at the next request. A request that
// comes in one read with another one's is answered as if that other one asked.

#include <memory>
#include <string>
#include <string_view>

#include "tests/zoo/epoll_server.h"
#include "tests/zoo/http_text.h"

namespace {

class Account : public zoo::Conversation {
 public:
  std::string Received(std::string_view bytes) override {
    user_.clear();
    unread_ += bytes;
    std::string answers;
    while (const auto request = zoo::TakeRequest(unread_)) {
#ifdef FIXED
      user_.clear();
#endif
      if (const std::string user = request->Header("user"); !user.empty()) user_ = user;
      answers += Answer();
    }
    return answers;
  }

 private:
  [[nodiscard]] std::string Answer() const {
    if (user_.empty()) return zoo::ToText({.status = 401, .body = R"({"error":"who are you?"})"});
    return zoo::ToText({.body = R"({"account":")" + user_ + "\"}"});
  }

  std::string unread_;
  std::string user_;
};

}  // namespace

int main() {
  zoo::ServeWithEpoll([] { return std::make_unique<Account>(); });
}
