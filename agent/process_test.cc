// Processes and threads are known by how they came to be, and every one of them records for itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::ArenaOptions;
using testing::Outcome;
using testing::run_service;
using testing::RunOptions;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/process_probe";
constexpr char kStaticProbe[] = "agent/testing/static_probe";

std::size_t count_of(TestArena& arena, RecordType type, std::uint32_t process) {
  std::size_t count = 0;
  for (const SeenRecord& record : arena.of(type)) count += record.process == process ? 1 : 0;
  return count;
}

TEST(Process, StartTellsProgramArgumentsModulesAndEnvironment) {
  TestArena arena;
  RunOptions options;
  options.environment = {"REPRISE_TEST_VARIABLE=of the environment"};
  const Outcome run = run_service(arena, {kProbe, "hello", "an argument"}, options);
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto starts = arena.of(RecordType::kProcessStart);
  ASSERT_EQ(starts.size(), 1u);
  const auto start = starts[0].body<abi::ProcessStart>();
  EXPECT_EQ(start.image, 0u);
  EXPECT_EQ(start.arguments, 3u);
  EXPECT_EQ(start.parent_pid, getpid());
  EXPECT_EQ(arena.process(0).parent, abi::kNone);
  const std::string tail = starts[0].tail<abi::ProcessStart>();
  EXPECT_THAT(tail.c_str(), ::testing::EndsWith("process_probe"));
  EXPECT_THAT(tail, ::testing::EndsWith(std::string("hello\0an argument\0", 18)));
  EXPECT_THAT(arena.of(RecordType::kEnvironment)[0].content,
              ::testing::HasSubstr("REPRISE_TEST_VARIABLE=of the environment"));
  EXPECT_GE(arena.of(RecordType::kModule).size(), 3u);
  EXPECT_EQ(arena.of(RecordType::kExit).size(), 1u);
}

class ForkWays : public ::testing::TestWithParam<std::string> {};

TEST_P(ForkWays, ChildRecordsForItself) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "forked", GetParam()});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(count_of(arena, RecordType::kClock, 0), 2u);
  EXPECT_EQ(count_of(arena, RecordType::kClock, 1), 2u);
  EXPECT_EQ(arena.process(1).parent, 0u);
  EXPECT_EQ(arena.process(1).ordinal, 1u);
  const auto starts = arena.of(RecordType::kProcessStart);
  ASSERT_EQ(starts.size(), 2u);
  // The system call itself tells the parent nothing; its child finds out.
  const auto forks = arena.of(RecordType::kFork);
  if (GetParam() == "syscall") return;
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_EQ(forks[0].body<abi::Fork>().child, 1u);
  EXPECT_EQ(forks[0].body<abi::Fork>().ordinal, 1u);
  EXPECT_EQ(forks[0].body<abi::Fork>().child_pid, arena.process(1).pid);
}

INSTANTIATE_TEST_SUITE_P(All, ForkWays, ::testing::Values("fork", "_Fork", "syscall"),
                         [](const auto& way) { return way.param; });

TEST(Process, ChildIsRegisteredOnceWhenAForkHandlerIsFirst) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "atfork"}).exited_with(0));
  EXPECT_EQ(arena.of(RecordType::kProcessStart).size(), 2u);
  EXPECT_EQ(count_of(arena, RecordType::kClock, 1), 1u);
  EXPECT_EQ(arena.of(RecordType::kFork)[0].body<abi::Fork>().child, 1u);
}

// The last argument is the program started; the process that ran it before is 0, or 1 after a fork.
class StartWays : public ::testing::TestWithParam<std::string> {};

TEST_P(StartWays, CarryTheAgentWhateverTheEnvironment) {
  TestArena arena;
  std::vector<std::string> command = {kProbe, "started", GetParam(), kProbe};
  const Outcome run = run_service(arena, command);
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  // The started probe shows its sign in a process of its own, which has the first one as its
  // parent.
  std::set<std::uint32_t> processes;
  for (const SeenRecord& record : arena.of(RecordType::kClock)) processes.insert(record.process);
  EXPECT_GE(processes.size(), GetParam() == "system" ? 1u : 2u);
  EXPECT_EQ(arena.process(1).parent, 0u);
  EXPECT_EQ(arena.process(1).ordinal, 1u);
  EXPECT_EQ(arena.header().raw_clones.load(), 0u);
  if (GetParam() == "vfork") {
    const auto sends = arena.of(RecordType::kSendIntent);
    ASSERT_EQ(sends.size(), 1u) << "the child's close must not end the parent's connection";
    EXPECT_EQ(sends[0].process, 0u);
    EXPECT_TRUE(arena.of(RecordType::kClose).empty());
  }
  if (GetParam().starts_with("exec") || GetParam() == "fexecve") {
    EXPECT_EQ(arena.process(1).image.load(), 1u) << "it is the process that was forked";
    ASSERT_EQ(arena.of(RecordType::kExec).size(), 1u);
    EXPECT_EQ(arena.of(RecordType::kExec)[0].body<abi::Exec>().capturable, 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, StartWays,
                         ::testing::Values("posix_spawn", "posix_spawnp", "vfork", "system",
                                           "execv", "execve", "execvp", "execvpe", "execl",
                                           "execlp", "execle", "fexecve", "execveat"),
                         [](const auto& way) { return way.param; });

TEST(Process, ExecKeepsTheProcessAndStartsANewImage) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "becomes", kProbe, "hello"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto starts = arena.of(RecordType::kProcessStart);
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_EQ(starts[0].body<abi::ProcessStart>().image, 0u);
  EXPECT_EQ(starts[1].body<abi::ProcessStart>().image, 1u);
  EXPECT_EQ(starts[1].process, 0u);
  EXPECT_EQ(arena.process(0).image.load(), 1u);
  EXPECT_EQ(arena.process(1).state.load(), abi::ProcessState::kFree);
}

TEST(Process, FailedExecIsTakenBack) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "becomes", "/nonexistent/program"});
  ASSERT_TRUE(run.exited_with(6)) << run.output;
  const auto execs = arena.of(RecordType::kExec);
  ASSERT_EQ(execs.size(), 2u);
  EXPECT_EQ(execs[0].body<abi::Exec>().error, 0);
  EXPECT_EQ(execs[1].body<abi::Exec>().error, ENOENT);
  EXPECT_EQ(arena.of(RecordType::kClock).size(), 2u);
  EXPECT_NE(arena.process(0).state.load(), abi::ProcessState::kExecuting);
}

TEST(Process, StaticProgramIsAnnouncedAsOneThatCannotBeCaptured) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "started", "execv", kStaticProbe});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  ASSERT_EQ(arena.of(RecordType::kExec).size(), 1u);
  EXPECT_EQ(arena.of(RecordType::kExec)[0].body<abi::Exec>().capturable, 0u);
  EXPECT_EQ(arena.process(1).uncaptured_execs.load(), 1u);
}

TEST(Process, ScriptIsJudgedByItsInterpreter) {
  const std::string script = std::string(getenv("TEST_TMPDIR")) + "/script";
  std::array<char, 4096> resolved{};
  ASSERT_NE(realpath(kStaticProbe, resolved.data()), nullptr);
  std::ofstream(script) << "#! " << resolved.data() << "\n";
  ASSERT_EQ(chmod(script.c_str(), 0755), 0);
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "started", "execv", script}).exited_with(0));
  EXPECT_EQ(arena.of(RecordType::kExec)[0].body<abi::Exec>().capturable, 0u);
}

class EndWays : public ::testing::TestWithParam<std::string> {};

TEST_P(EndWays, TellTheirCodeOnce) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "ends", GetParam()}).exited_with(3));
  const auto exits = arena.of(RecordType::kExit);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].body<abi::Exit>().code, 3);
  EXPECT_EQ(arena.process(0).state.load(), abi::ProcessState::kExited);
}

INSTANTIATE_TEST_SUITE_P(All, EndWays,
                         ::testing::Values("return", "exit", "_exit", "_Exit", "quick_exit",
                                           "exit_group"),
                         [](const auto& way) { return way.param; });

TEST(Process, DaemonThatClosedEverythingIsStillRecorded) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "daemon_like"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto sends = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].tail<abi::SendIntent>(), "daemon");
}

TEST(Process, MoreProcessesThanSlotsRunUnrecordedAndAreCounted) {
  ArenaOptions options;
  options.processes = 1;
  TestArena arena(options);
  const Outcome run = run_service(arena, {kProbe, "forked", "fork"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_GE(arena.header().unslotted_processes.load(), 1u);
  EXPECT_GE(arena.header().unslotted_records.load(), 2u) << "what the child would have recorded";
  EXPECT_EQ(arena.of(RecordType::kFork)[0].body<abi::Fork>().child, abi::kNone);
}

// --- Threads -------------------------------------------------------------------------------------

TEST(Thread, IsNamedByCreationAndEndsHoweverItEnds) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "threads"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::map<std::uint32_t, std::uint32_t> creators;
  for (const SeenRecord& record : arena.of(RecordType::kThreadStart)) {
    const auto start = record.body<abi::ThreadStart>();
    creators[start.ordinal] = start.creator;
  }
  const std::map<std::uint32_t, std::uint32_t> expected = {{0, abi::kNone}, {1, 0}, {2, 0},
                                                           {3, 0},          {4, 0}, {5, 4}};
  EXPECT_EQ(creators, expected);
  EXPECT_EQ(arena.of(RecordType::kThreadEnd).size(), 5u);
  std::vector<std::uint64_t> handed_to;
  for (const SeenRecord& record : arena.of(RecordType::kHandOff)) {
    EXPECT_EQ(record.body<abi::HandOff>().kind, abi::HandOffKind::kThreadCreated);
    handed_to.push_back(record.body<abi::HandOff>().token);
  }
  EXPECT_THAT(handed_to, ::testing::UnorderedElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(arena.header().raw_clones.load(), 0u);
}

TEST(Thread, SmallestStackIsEnough) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "small_stack"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.of(RecordType::kBytesIn).size(), 1u);
}

TEST(Thread, SlotsAreUsedAgain) {
  ArenaOptions options;
  options.threads = 100;
  options.segments = 200;
  TestArena arena(options);
  ASSERT_TRUE(run_service(arena, {kProbe, "many_threads"}).exited_with(0));
  const std::size_t recorded = arena.of(RecordType::kClock).size();
  EXPECT_EQ(recorded + arena.header().unslotted_records.load(), 500u);
  EXPECT_GT(recorded, 100u) << "slots of threads that ended are given out again";
}

TEST(Thread, WithoutASlotIsCounted) {
  ArenaOptions options;
  options.threads = 4;
  TestArena arena(options);
  const Outcome run = run_service(arena, {kProbe, "crowd", "10"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.of(RecordType::kClock).size(), 3u);
  EXPECT_GE(arena.header().unslotted_records.load(), 7u);
}

TEST(Thread, DestructorOfThreadDataIsStillRecorded) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "late_destructor"}).exited_with(0));
  EXPECT_EQ(arena.of(RecordType::kClock).size(), 1u);
  EXPECT_EQ(arena.of(RecordType::kThreadEnd).size(), 1u);
}

TEST(Thread, TaskThatSharesItsStorageIsCountedAndHarmsNothing) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "raw_clone"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.of(RecordType::kClock).size(), 1u) << "before the clone";
  EXPECT_EQ(arena.header().raw_clones.load(), 1u);
}

// --- Without an arena ----------------------------------------------------------------------------

TEST(Arena, MissingOneLeavesTheServiceAlone) {
  TestArena arena;
  RunOptions options;
  options.arena = "/nonexistent/arena";
  EXPECT_TRUE(run_service(arena, {kProbe, "threads"}, options).exited_with(0));
  EXPECT_TRUE(arena.drain().empty());
}

TEST(Arena, OfAnotherVersionLeavesTheServiceAlone) {
  ArenaOptions other;
  other.abi_version = abi::kAbiVersion + 1;
  TestArena arena(other);
  EXPECT_TRUE(run_service(arena, {kProbe, "threads"}).exited_with(0));
  EXPECT_TRUE(arena.drain().empty());
  EXPECT_EQ(arena.process(0).state.load(), abi::ProcessState::kFree);
}

TEST(Arena, ThatIsNoneLeavesTheServiceAlone) {
  TestArena arena;
  for (const char* content : {"", "not an arena"}) {
    const std::string path = std::string(getenv("TEST_TMPDIR")) + "/no_arena";
    std::ofstream(path) << content;
    RunOptions options;
    options.arena = path;
    EXPECT_TRUE(run_service(arena, {kProbe, "threads"}, options).exited_with(0));
  }
}

TEST(Arena, ThatPromisesMoreThanTheFileHoldsIsRefused) {
  TestArena arena;
  arena.header().segment_count = 1u << 20;
  EXPECT_TRUE(run_service(arena, {kProbe, "threads"}, {.drain = false}).exited_with(0));
  EXPECT_EQ(arena.process(0).state.load(), abi::ProcessState::kFree);
}

}  // namespace
}  // namespace reprise::agent
