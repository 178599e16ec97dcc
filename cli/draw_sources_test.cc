#include <gtest/gtest.h>

#include "agent/abi/records.h"
#include "event/draws.h"

namespace reprise {
namespace {

std::string clock(abi::ClockSource source) {
  return event::source_name(event::Draw::Kind::kClock, static_cast<std::uint8_t>(source));
}

std::string random(abi::RandomSource source) {
  return event::source_name(event::Draw::Kind::kRandom, static_cast<std::uint8_t>(source));
}

bool monotonic(abi::ClockSource source) {
  return event::is_monotonic(static_cast<std::uint8_t>(source));
}

TEST(DrawSources, HaveTheNumbersOfTheAgent) {
  using Clock = abi::ClockSource;
  EXPECT_EQ(clock(Clock::kRealtime), "realtime");
  EXPECT_EQ(clock(Clock::kMonotonic), "monotonic");
  EXPECT_EQ(clock(Clock::kProcessCpu), "process_cpu");
  EXPECT_EQ(clock(Clock::kThreadCpu), "thread_cpu");
  EXPECT_EQ(clock(Clock::kMonotonicRaw), "monotonic_raw");
  EXPECT_EQ(clock(Clock::kRealtimeCoarse), "realtime_coarse");
  EXPECT_EQ(clock(Clock::kMonotonicCoarse), "monotonic_coarse");
  EXPECT_EQ(clock(Clock::kBoottime), "boottime");
  EXPECT_EQ(clock(Clock::kGettimeofday), "gettimeofday");
  EXPECT_EQ(clock(Clock::kTime), "time");
  EXPECT_EQ(clock(Clock::kTimespecGet), "timespec_get");
  EXPECT_EQ(clock(Clock::kFtime), "ftime");
  using Random = abi::RandomSource;
  EXPECT_EQ(random(Random::kGetrandom), "getrandom");
  EXPECT_EQ(random(Random::kGetentropy), "getentropy");
  EXPECT_EQ(random(Random::kArc4random), "arc4random");
  EXPECT_EQ(random(Random::kDevice), "random_device_file");
  EXPECT_EQ(random(Random::kRandomDevice), "std_random_device");
  EXPECT_EQ(random(Random::kOpenSsl), "openssl");
}

TEST(DrawSources, MonotonicClocksAreThoseWithoutADate) {
  using Clock = abi::ClockSource;
  for (const Clock source :
       {Clock::kMonotonic, Clock::kMonotonicRaw, Clock::kMonotonicCoarse, Clock::kBoottime}) {
    EXPECT_TRUE(monotonic(source));
  }
  for (const Clock source : {Clock::kRealtime, Clock::kRealtimeCoarse, Clock::kGettimeofday,
                             Clock::kTime, Clock::kThreadCpu}) {
    EXPECT_FALSE(monotonic(source));
  }
}

}  // namespace
}  // namespace reprise
