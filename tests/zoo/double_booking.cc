// Seats of a theatre. A seat is booked when it has been paid for.
//
// The bug: whether it is free is looked at before it is paid for, and not again. Two who pay at the
// same time have the same seat.

#include <map>
#include <mutex>
#include <string>

#include "tests/zoo/fetch.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

class Theatre {
 public:
  explicit Theatre(std::string payments) : payments_(std::move(payments)) {}

  zoo::Response Book(const zoo::Request& request) {
    const std::string seat(request.Path());
    if (!Free(seat)) return {.status = 409, .body = R"({"error":"taken"})"};
    zoo::Fetcher fetcher;
    const auto payment = fetcher.Post(payments_ + "/payments", request.body);
    const bool paid = payment && payment->status == 200;
    const std::lock_guard lock(mutex_);
    if (paid) {
      seats_[seat] = request.body;
    } else {
      seats_.erase(seat);
    }
    if (!paid) return {.status = 402, .body = R"({"error":"not paid"})"};
    return {.status = 201, .body = R"({"booked_for":")" + request.body + "\"}"};
  }

 private:
  // Whether nobody has it; if so, it is kept for whoever asks.
  bool Free(const std::string& seat) {
    const std::lock_guard lock(mutex_);
#ifdef FIXED
    return seats_.emplace(seat, "somebody who is paying").second;
#else
    return seats_.count(seat) == 0;
#endif
  }

  const std::string payments_;
  std::mutex mutex_;
  std::map<std::string, std::string> seats_;
};

}  // namespace

int main(int, char** argv) {
  Theatre theatre(argv[1]);
  zoo::ServeThreadPerConnection([&](const zoo::Request& request) { return theatre.Book(request); });
}
