// Subscriptions for a year. The provider of payments says on which day the money came, and the
// subscription is renewed on the same day of the next year.
//
// The bug: there is no 29 February in the next year.

#include <chrono>
#include <cstdio>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/beast_server.h"
#include "tests/zoo/http_text.h"

namespace {

using std::chrono::year_month_day;

// YYYY-MM-DD.
year_month_day Parse(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  std::sscanf(text.c_str(), "%d-%u-%u", &year, &month, &day);
  return std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day);
}

std::string Text(year_month_day date) {
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

year_month_day Renewal(year_month_day paid) {
  const year_month_day renewal = paid + std::chrono::years(1);
#ifdef FIXED
  if (!renewal.ok()) return renewal.year() / renewal.month() / std::chrono::last;
#endif
  return renewal;
}

zoo::Response Subscribe(const zoo::Request& request, const std::string& provider) {
  http::Client payments;
  const auto payment = payments.Post(provider + "/payments", request.body);
  if (!payment || payment->status != 200) return {.status = 502, .body = "{}"};
  const year_month_day renewal = Renewal(Parse(zoo::Field(payment->body, "paid_on")));
  if (!renewal.ok()) return {.status = 500, .body = R"({"error":"no such day"})"};
  return {.status = 201, .body = R"({"renewed_on":")" + Text(renewal) + "\"}"};
}

}  // namespace

int main(int, char** argv) {
  const std::string provider = argv[1];
  zoo::ServeWithBeast(1, [&](const zoo::Request& request) { return Subscribe(request, provider); });
}
