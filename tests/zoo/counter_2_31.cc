// Invoices, whose numbers Redis counts.
//
// The bug: Redis counts in 64 bits, and this service in 32.

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

#ifdef FIXED
using Number = long long;
#else
using Number = int;
#endif

class Invoices {
 public:
  explicit Invoices(int port) : redis_(redisConnect("127.0.0.1", port)) {}

  zoo::Response Write(const zoo::Request& request) {
    const std::lock_guard lock(mutex_);
    const auto reply = static_cast<redisReply*>(redisCommand(redis_, "INCR invoices"));
    if (reply == nullptr) return {.status = 502, .body = "{}"};
    const Number number = static_cast<Number>(reply->integer);
    freeReplyObject(reply);
    return {.status = 201,
            .body = R"({"for":")" + request.body + R"(","number":)" + std::to_string(number) + "}"};
  }

 private:
  std::mutex mutex_;
  redisContext* redis_;
};

}  // namespace

int main(int, char** argv) {
  Invoices invoices(std::atoi(argv[1]));
  zoo::ServeWithPool(2, [&](const zoo::Request& request) { return invoices.Write(request); });
}
