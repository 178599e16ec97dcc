#include "examples/checkout/clock.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace checkout {
namespace {

std::tm ToCalendar(WallTime time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm calendar{};
  gmtime_r(&seconds, &calendar);
  return calendar;
}

}  // namespace

WallTime ReadWallClock() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

MonotonicTime ReadMonotonicClock() { return std::chrono::steady_clock::now(); }

std::string FormatHttpDate(WallTime time) {
  // strftime would use the locale's names; HTTP's are English.
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm calendar = ToCalendar(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<size_t>(calendar.tm_wday)], calendar.tm_mday,
                     kMonths[static_cast<size_t>(calendar.tm_mon)], calendar.tm_year + 1900,
                     calendar.tm_hour, calendar.tm_min, calendar.tm_sec);
}

std::string FormatTimestamp(WallTime time) {
  const std::tm calendar = ToCalendar(time);
  const auto microseconds = time - std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", calendar.tm_year + 1900,
                     calendar.tm_mon + 1, calendar.tm_mday, calendar.tm_hour, calendar.tm_min,
                     calendar.tm_sec, microseconds.count());
}

}  // namespace checkout
