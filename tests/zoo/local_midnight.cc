// Readings of electricity meters, filed under the customer's local hour. The tariff of the day is
// asked from another service.
//
// The bug: the day and the hour come from two readings of the clock. A request during which local
// midnight passes is filed under an hour of the new day, and the old date. Where daylight saving
// begins at midnight that hour is 1, which the old day has had, and its reading is overwritten.

#include <cstdlib>
#include <ctime>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/prefork.h"
#include "tests/zoo/thread_server.h"

namespace {

tm LocalTime() {
  const time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  return local;
}

std::string Text(const tm& time, const char* format) {
  char text[32];
  return {text, strftime(text, sizeof text, format, &time)};
}

// A worker serves one request at a time, and so may change its time zone.
zoo::Response File(const zoo::Request& request, const std::string& tariffs) {
  setenv("TZ", request.Parameter("zone").c_str(), 1);
  tzset();
  const tm now = LocalTime();
  const std::string day = Text(now, "%Y-%m-%d");
  http::Client upstream;
  const auto tariff = upstream.Get(tariffs + "/tariffs/" + day);
  if (!tariff || tariff->status != 200) return {.status = 502, .body = "{}"};
#ifdef FIXED
  const std::string hour = Text(now, "%H");
#else
  const std::string hour = Text(LocalTime(), "%H");
#endif
  return {.status = 201,
          .body = R"({"slot":")" + day + "T" + hour + R"(","cents":)" +
                  zoo::Field(tariff->body, "cents") + "}"};
}

}  // namespace

int main(int, char** argv) {
  const std::string tariffs = argv[1];
  zoo::ServePreforked(2, [&](int connection) {
    zoo::ServeConnection(connection,
                         [&](const zoo::Request& request) { return File(request, tariffs); });
  });
}
