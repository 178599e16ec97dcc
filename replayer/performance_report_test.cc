#include "replayer/performance_report.h"

#include <gtest/gtest.h>

namespace reprise::replayer {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Performance load() {
  Performance performance;
  performance.schedule = "load";
  performance.concurrency = 2;
  performance.connections = 2;
  performance.passes = 1;
  performance.requests = 102;
  performance.responses = 101;
  performance.as_recorded = 100;
  performance.errors.missing = 1;
  performance.took = seconds(1);
  performance.latencies.record(milliseconds(1), 100);
  performance.latencies.record(milliseconds(100));
  performance.expected_interval = milliseconds(10);
  return performance;
}

TEST(PerformanceReportTest, ALoadTellsThroughputErrorsAndLatencies) {
  const std::string text = performance_text(load());
  EXPECT_NE(text.find("throughput   101 responses a second, 101 in 1.000 s\n"), std::string::npos);
  EXPECT_NE(text.find("errors       1 responses missing, 0 of another"), std::string::npos);
  EXPECT_NE(text.find("responses    100 of 101 are"), std::string::npos);
  EXPECT_NE(text.find("p99.9 100.00 ms, max 100.00 ms"), std::string::npos);
  EXPECT_NE(text.find("  corrected  "), std::string::npos);
  EXPECT_EQ(text.find("offsets"), std::string::npos);
}

TEST(PerformanceReportTest, ARateNeedsNoCorrection) {
  Performance performance = load();
  performance.expected_interval = milliseconds(0);
  performance.rate = 100;
  EXPECT_EQ(performance_text(performance).find("corrected"), std::string::npos);
  EXPECT_TRUE(performance_json(performance)["corrected_us"].is_null());
  EXPECT_EQ(performance_json(performance)["rate"], 100.0);
}

TEST(PerformanceReportTest, TheCorrectionCountsWhatTheSlowOneKeptFromBeingSent) {
  const auto json = performance_json(load());
  EXPECT_EQ(json["latency_us"]["count"], 101);
  EXPECT_EQ(json["corrected_us"]["count"], 101 + 9);  // 90, 80, … 10 ms
  EXPECT_EQ(json["corrected_us"]["expected_interval"], 10000.0);
  EXPECT_GT(json["corrected_us"]["p99"], json["latency_us"]["p99"]);
}

TEST(PerformanceReportTest, TimedTellsOffsetsAndWhatWasHeldBack) {
  Performance performance;
  performance.schedule = "timed";
  performance.speed = 2;
  performance.inputs = 4;
  performance.held_back = 1;
  performance.longest_held = milliseconds(3);
  performance.offsets.record(microseconds(50), 3);
  const std::string text = performance_text(performance);
  EXPECT_NE(text.find("4 inputs at speed 2, from when they were due: p50 50.0 us"),
            std::string::npos);
  EXPECT_NE(text.find("held back    1 inputs"), std::string::npos);
  const auto json = performance_json(performance);
  EXPECT_EQ(json["offset_us"]["count"], 3);
  EXPECT_EQ(json["held_back"]["longest_us"], 3000.0);
  EXPECT_FALSE(json.contains("concurrency"));
}

TEST(PerformanceReportTest, BarsAreAsLongAsTheirShares) {
  const std::string text = performance_text(load());
  const auto cells = [&](const char* below) {
    const std::size_t at = text.find(below);
    const std::size_t end = text.find('\n', at);
    std::size_t count = 0;
    for (std::size_t i = text.find("▇", at); i < end; i = text.find("▇", i + 1)) ++count;
    return count;
  };
  EXPECT_EQ(cells("<   1.05 ms"), 40u);
  EXPECT_EQ(cells("< 134.22 ms"), 1u);  // one of a hundred is not nothing
}

}  // namespace
}  // namespace reprise::replayer
