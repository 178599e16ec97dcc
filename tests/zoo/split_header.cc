// Accounts, for those who say who they are. The head of a request is cut into lines as it comes in,
// and no byte is looked at twice.
//
// The bug: no byte is looked at twice, so a line end is not seen whose two bytes come in two reads.
// The header after it then belongs to the one before.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/zoo/epoll_server.h"
#include "tests/zoo/http_text.h"

namespace {

class Account : public zoo::Conversation {
 public:
  std::string Received(std::string_view bytes) override {
    unread_ += bytes;
    std::string answers;
    std::size_t end = 0;
    while ((end = unread_.find("\r\n", seen_)) != std::string::npos) {
      if (end == 0) {
        answers += Answer();
        lines_.clear();
      } else {
        lines_.push_back(unread_.substr(0, end));
      }
      unread_.erase(0, end + 2);
      seen_ = 0;
    }
    seen_ = unread_.size();
#ifdef FIXED
    if (unread_.ends_with('\r')) --seen_;
#endif
    return answers;
  }

 private:
  [[nodiscard]] std::string Answer() const {
    constexpr std::string_view kName = "User: ";
    for (const std::string& line : lines_) {
      if (line.starts_with(kName)) {
        return zoo::ToText({.body = R"({"account":")" + line.substr(kName.size()) + "\"}"});
      }
    }
    return zoo::ToText({.status = 401, .body = R"({"error":"who are you?"})"});
  }

  std::string unread_;
  std::size_t seen_ = 0;  // of unread_
  std::vector<std::string> lines_;
};

}  // namespace

int main() {
  zoo::ServeWithEpoll([] { return std::make_unique<Account>(); });
}
