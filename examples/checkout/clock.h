// The two clocks a request reads, and how their times are written.
#ifndef EXAMPLES_CHECKOUT_CLOCK_H_
#define EXAMPLES_CHECKOUT_CLOCK_H_

#include <chrono>
#include <string>

namespace checkout {

/// A time of day in UTC, microseconds since 1970 (CLOCK_REALTIME).
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// A time to measure durations with (CLOCK_MONOTONIC).
using MonotonicTime = std::chrono::steady_clock::time_point;

[[nodiscard]] WallTime ReadWallClock();
[[nodiscard]] MonotonicTime ReadMonotonicClock();

/// "Sun, 06 Nov 1994 08:49:37 GMT", for the Date header. (source: RFC 9110, section 5.6.7)
[[nodiscard]] std::string FormatHttpDate(WallTime time);

/// "1994-11-06T08:49:37.000123Z", for documents. (source: RFC 3339)
[[nodiscard]] std::string FormatTimestamp(WallTime time);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_CLOCK_H_
