// The agent starts inside whatever program it is put into, at whatever moment it is first called.
#include <gtest/gtest.h>

#include <string>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::Outcome;
using testing::run_service;
using testing::RunOptions;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/startup_probe";

TEST(Startup, SurvivesAnAllocatorThatReadsTheClockAndAResolverThatCallsAHook) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "early"});
  ASSERT_TRUE(run.exited_with(0)) << run.status << run.output;
  EXPECT_FALSE(arena.of(RecordType::kClock).empty());
}

TEST(Startup, WhatConstructorsDoIsRecorded) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "early"}).exited_with(0));
  EXPECT_EQ(arena.of(RecordType::kListen).size(), 1u);
  EXPECT_EQ(arena.drain().front().type, RecordType::kProcessStart);
}

TEST(Startup, WorksWithoutAnArena) {
  TestArena arena;
  RunOptions options;
  options.arena = "/nonexistent";
  EXPECT_TRUE(run_service(arena, {kProbe, "early"}, options).exited_with(0));
}

TEST(Startup, RingsThatCannotBeRecordedAreRefused) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "io_uring"});
  EXPECT_TRUE(run.exited_with(0)) << run.output;
}

}  // namespace
}  // namespace reprise::agent
