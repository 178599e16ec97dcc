#include "replayer/latencies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace reprise::replayer {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(LatenciesTest, NothingHasNoLength) {
  const Latencies none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.at(50), nanoseconds{0});
  EXPECT_EQ(none.longest(), nanoseconds{0});
  EXPECT_TRUE(none.bars().empty());
}

TEST(LatenciesTest, PercentilesAreThoseOfASortedListToThreeDigits) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> lengths(12, 2);
  Latencies latencies;
  std::vector<std::int64_t> sorted;
  for (int i = 0; i < 20000; ++i) {
    sorted.push_back(static_cast<std::int64_t>(lengths(random)));
    latencies.record(nanoseconds{sorted.back()});
  }
  std::ranges::sort(sorted);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<std::size_t>(percent / 100 * 20000);
    const auto exact = static_cast<double>(sorted[std::max<std::size_t>(rank, 1) - 1]);
    EXPECT_NEAR(static_cast<double>(latencies.at(percent).count()), exact, exact / 1000 + 1)
        << percent;
  }
  EXPECT_EQ(latencies.longest().count(), sorted.back());
}

TEST(LatenciesTest, OneOutOfAThousandIsSeenAboveItsPercentOnly) {
  Latencies latencies;
  latencies.record(microseconds(10), 999);
  latencies.record(milliseconds(5));
  EXPECT_LT(latencies.at(99.9), microseconds(11));
  EXPECT_EQ(latencies.at(99.95), milliseconds(5));
}

TEST(LatenciesTest, WhatIsTooLongOrNegativeIsKeptAtTheEnds) {
  Latencies latencies;
  latencies.record(nanoseconds{-5});
  latencies.record(Latencies::kLongest + std::chrono::hours(1));
  EXPECT_EQ(latencies.at(50), nanoseconds{0});
  EXPECT_EQ(latencies.longest(), Latencies::kLongest);
}

// Gil Tene's example: a service answers each millisecond, then stands still for a second. A client
// that waits for it measures one long answer; the thousand that were to come meanwhile it omits.
TEST(LatenciesTest, AStandstillCountsForEachRequestThatWasNotSent) {
  Latencies latencies;
  latencies.record(milliseconds(1), 1000);
  latencies.record(milliseconds(1000));
  EXPECT_LE(latencies.at(99), microseconds(1001));
  const Latencies corrected = latencies.corrected(milliseconds(1));
  EXPECT_EQ(corrected.count(), 2000u);
  EXPECT_GT(corrected.at(75), milliseconds(498));
  EXPECT_GT(corrected.at(99), milliseconds(975));
  EXPECT_EQ(corrected.longest(), milliseconds(1000));
}

TEST(LatenciesTest, WithoutAStandstillThereIsNothingToCorrect) {
  Latencies latencies;
  latencies.record(microseconds(900), 1000);
  EXPECT_EQ(latencies.corrected(milliseconds(1)).count(), 1000u);
  EXPECT_EQ(latencies.corrected(nanoseconds{0}).count(), 1000u);
}

TEST(LatenciesTest, BarsHoldAllThatWasRecorded) {
  Latencies latencies;
  latencies.record(nanoseconds{1000}, 3);
  latencies.record(nanoseconds{5000}, 2);
  const auto bars = latencies.bars();
  ASSERT_EQ(bars.size(), 4u);  // below 1024, 2048, 4096, 8192 ns
  EXPECT_EQ(bars[0].below, nanoseconds{1024});
  EXPECT_EQ(bars[0].count, 3u);
  EXPECT_EQ(bars[1].count + bars[2].count, 0u);
  EXPECT_EQ(bars[3].below, nanoseconds{8192});
  EXPECT_EQ(bars[3].count, 2u);
}

}  // namespace
}  // namespace reprise::replayer
