#include "examples/checkout/clock.h"

#include <gtest/gtest.h>

namespace checkout {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(ClockTest, WritesTheDateOfTheRfc) {
  EXPECT_EQ(FormatHttpDate(WallTime(seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(ClockTest, WritesMicroseconds) {
  EXPECT_EQ(FormatTimestamp(WallTime(seconds(784111777) + microseconds(123))),
            "1994-11-06T08:49:37.000123Z");
}

TEST(ClockTest, RoundsTimesBefore1970Down) {
  EXPECT_EQ(FormatTimestamp(WallTime(microseconds(-1))), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace checkout
