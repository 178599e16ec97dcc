// The agent starts inside whatever program it is put into, at whatever moment it is first called.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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

TEST(Startup, FilesReadBeforeTheFirstClientAreTold) {
  const std::filesystem::path directory =
      std::filesystem::canonical(::testing::TempDir()) / "start_files";
  std::filesystem::create_directories(directory);
  for (const char* name : {"by_open", "by_openat", "by_fopen", "by_ifstream", "only_written",
                           "emptied", "appended", "late"}) {
    std::ofstream(directory / name) << name << ".";
  }
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "files", directory.string()});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::vector<std::string> told;
  for (const SeenRecord& record : arena.of(RecordType::kFileOpened)) {
    const std::string path = record.tail<abi::FileOpened>();
    ASSERT_EQ(path.back(), '\0');
    const std::filesystem::path file = path.c_str();
    EXPECT_EQ(file.parent_path(), directory);
    EXPECT_EQ(record.body<abi::FileOpened>().file_size, std::filesystem::file_size(file));
    told.push_back(file.filename());
  }
  EXPECT_EQ(told, (std::vector<std::string>{"by_open", "by_openat", "by_fopen", "by_ifstream"}));
}

TEST(Startup, RingsThatCannotBeRecordedAreRefused) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "io_uring"});
  EXPECT_TRUE(run.exited_with(0)) << run.output;
}

}  // namespace
}  // namespace reprise::agent
