// The recorder compresses while that costs next to nothing beside the service, and only then.
#include "recorder/compression_budget.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "recorder/cpu_time.h"

namespace reprise::recorder {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

// A quarter of a second in which the service took `service_ms` and the recorder 1 ms and what it
// takes to compress `bytes` at 1 ns each.
Usage stretch(std::uint64_t service_ms, std::uint64_t bytes) {
  return {250 * kMs, service_ms * kMs, kMs + bytes, bytes, bytes, bytes};
}
// The same when it did not compress.
Usage raw_stretch(std::uint64_t service_ms, std::uint64_t bytes) {
  return {250 * kMs, service_ms * kMs, kMs, 0, 0, bytes};
}

TEST(CompressionBudget, AServiceThatWorksForItsAnswersIsCompressed) {
  CompressionBudget budget;
  EXPECT_TRUE(budget.affords(stretch(240, 5'000'000)));
  EXPECT_TRUE(budget.affords(raw_stretch(240, 5'000'000)));
}

TEST(CompressionBudget, OneThatSaysMoreThanItWorksIsNot) {
  CompressionBudget budget;
  EXPECT_FALSE(budget.affords(stretch(240, 9'000'000)));
  EXPECT_FALSE(budget.affords(raw_stretch(240, 9'000'000)));
}

TEST(CompressionBudget, OneThatIsNearlyIdleIsCompressedWhateverItsShare) {
  CompressionBudget budget;
  EXPECT_TRUE(budget.affords(stretch(0, 1'000'000)));
}

TEST(CompressionBudget, WhatCompressingTookIsRemembered) {
  CompressionBudget budget;
  Usage slow = stretch(240, 2'000'000);
  slow.compressing_ns *= 5;
  slow.recorder_ns = kMs + slow.compressing_ns;
  EXPECT_FALSE(budget.affords(slow));
  EXPECT_FALSE(budget.affords(raw_stretch(240, 2'000'000)));
  EXPECT_TRUE(budget.affords(raw_stretch(240, 500'000)));
}

TEST(CompressionBudget, MoreThanADiskTakesIsCompressed) {
  CompressionBudget budget;
  EXPECT_TRUE(budget.affords(stretch(240, 20'000'000)));
}

TEST(CpuTimes, CountsWhatAProcessTookSinceTheLastLook) {
  CpuTimes times;
  const std::uint64_t first = times.since_last_look({::getpid()});
  EXPECT_GT(first, 0u);
  EXPECT_LE(first, own_cpu_ns());
  const std::uint64_t begin = own_cpu_ns();
  while (own_cpu_ns() < begin + 20 * kMs) {
  }
  EXPECT_GE(times.since_last_look({::getpid()}), 20 * kMs);
  EXPECT_EQ(times.since_last_look({}), 0u);
}

}  // namespace
}  // namespace reprise::recorder
