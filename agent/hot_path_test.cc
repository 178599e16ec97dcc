// The rules of agent/agent.cc that hold on every hook's path.
#include <gtest/gtest.h>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::Outcome;
using testing::run_service;
using testing::RunOptions;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/hot_path_probe";

TEST(HotPath, NeitherAllocatesNorLocksNorLooksUpSymbols) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "quiet"});
  EXPECT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_GE(arena.of(RecordType::kSendIntent).size(), 300u) << "it did record";
}

TEST(HotPath, KeepsErrnoWithAndWithoutAnArena) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "error_numbers"});
  EXPECT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_FALSE(arena.drain().empty());
  RunOptions options;
  options.arena = "/nonexistent";
  EXPECT_TRUE(run_service(arena, {kProbe, "error_numbers"}, options).exited_with(0));
}

}  // namespace
}  // namespace reprise::agent
