// Signals reach the service as if the agent were not there, and are recorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <string>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::ArenaOptions;
using testing::Outcome;
using testing::run_service;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/signal_probe";

TEST(Signals, ServiceSeesItsOwnDispositions) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "dispositions"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto signals = arena.of(RecordType::kSignal);
  ASSERT_EQ(signals.size(), 2u) << "not the one that was ignored";
  EXPECT_EQ(signals[0].body<abi::Signal>().number, SIGUSR1);
  EXPECT_EQ(signals[1].body<abi::Signal>().number, SIGUSR2);
  EXPECT_EQ(signals[1].body<abi::Signal>().code, SI_QUEUE);
  EXPECT_EQ(signals[1].body<abi::Signal>().from_pid, arena.process(0).pid);
}

TEST(Signals, RecordsOfAHandlerAreMarked) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "dispositions"}).exited_with(0));
  const auto clocks = arena.of(RecordType::kClock);
  ASSERT_EQ(clocks.size(), 1u);
  EXPECT_NE(clocks[0].flags & abi::kUnordered, 0);
}

TEST(Signals, HandlerThatResetsItselfIsGoneAfterOnce) {
  TestArena arena;
  EXPECT_TRUE(run_service(arena, {kProbe, "once"}).exited_with(0));
  EXPECT_EQ(arena.of(RecordType::kSignal).size(), 1u);
}

TEST(Signals, ChildInheritsHandlersAndDiesByDefault) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "inherited"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto fatal = arena.of(RecordType::kFatalSignal);
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_EQ(fatal[0].process, 1u);
}

struct Death {
  const char* way;
  int signal;
  std::uint64_t address;
};

class FatalSignals : public ::testing::TestWithParam<Death> {};

TEST_P(FatalSignals, AreRecordedAndStillFatal) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "dies", GetParam().way});
  EXPECT_TRUE(run.killed_by(GetParam().signal)) << run.status << run.output;
  const auto fatal = arena.of(RecordType::kFatalSignal);
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_EQ(fatal[0].body<abi::Signal>().number, GetParam().signal);
  EXPECT_EQ(fatal[0].body<abi::Signal>().address, GetParam().address);
  EXPECT_TRUE(arena.of(RecordType::kExit).empty());
  EXPECT_EQ(arena.drain().back().type, RecordType::kFatalSignal);
}

INSTANTIATE_TEST_SUITE_P(All, FatalSignals,
                         ::testing::Values(Death{"segv", SIGSEGV, 16},
                                           Death{"segv_default", SIGSEGV, 16},
                                           Death{"thread", SIGSEGV, 16}, Death{"abort", SIGABRT, 0},
                                           Death{"term", SIGTERM, 0}, Death{"pipe", SIGPIPE, 0}),
                         [](const auto& death) { return death.param.way; });

TEST(Signals, IllegalInstructionIsRecordedWithItsAddress) {
  TestArena arena;
  EXPECT_TRUE(run_service(arena, {kProbe, "dies", "illegal"}).killed_by(SIGILL));
  ASSERT_EQ(arena.of(RecordType::kFatalSignal).size(), 1u);
  EXPECT_NE(arena.of(RecordType::kFatalSignal)[0].body<abi::Signal>().address, 0u);
}

TEST(Signals, WhatWasDoneBeforeAKillIsInTheArena) {
  TestArena arena;
  EXPECT_TRUE(run_service(arena, {kProbe, "dies", "kill"}).killed_by(SIGKILL));
  EXPECT_EQ(arena.of(RecordType::kClock).size(), 1u);
  EXPECT_TRUE(arena.of(RecordType::kFatalSignal).empty());
}

TEST(Signals, ServiceThatRecoversFromFaultsGoesOn) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "recovers"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.of(RecordType::kSignal).size(), 3u);
  const auto clocks = arena.of(RecordType::kClock);
  ASSERT_EQ(clocks.size(), 1u);
  EXPECT_EQ(clocks[0].flags & abi::kUnordered, 0) << "the handler was left for good";
}

// A copy of the agent's that meets a bad address is not the service's fault.
TEST(Signals, HandlerThatIsThereBeforeTheAgentIsTheServicesAndSeesNoFaultOfTheAgents) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "first"});
  ASSERT_TRUE(run.exited_with(0)) << run.status << run.output;
  const auto signals = arena.of(RecordType::kSignal);
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].body<abi::Signal>().number, SIGSEGV);
  EXPECT_EQ(arena.of(RecordType::kSendResult).back().body<abi::SendResult>().error, EFAULT);
}

// The bytes of one direction of a connection, by the offset of each record: the arena of tests
// passes over a record that is being written, and has it after later ones of other segments.
class Stream {
 public:
  void add(std::uint64_t offset, const std::string& bytes) {
    EXPECT_TRUE(parts_.try_emplace(offset, bytes).second) << "twice at " << offset;
  }
  [[nodiscard]] std::string whole() const {
    std::string all;
    for (const auto& [offset, bytes] : parts_) {
      EXPECT_EQ(offset, all.size());
      all += bytes;
    }
    return all;
  }

 private:
  std::map<std::uint64_t, std::string> parts_;
};

// Handlers that record while they interrupt a hook that records: streams stay whole, to the byte.
TEST(Signals, HandlersInsideHooksTearNothing) {
  ArenaOptions options;
  options.flags = abi::kLossless;
  options.segment_bytes = 4096;  // changes of segment often, and in the handler too
  TestArena arena(options);
  const Outcome run = run_service(arena, {kProbe, "storm", "4000"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  ASSERT_GT(std::stoi(run.output.substr(sizeof("deliveries"))), 20);
  std::map<abi::Cookie, Stream> sent;
  std::map<abi::Cookie, Stream> received;
  std::size_t in_handler = 0;
  for (const SeenRecord& record : arena.drain()) {
    if (record.type == RecordType::kSendIntent) {
      const auto body = record.body<abi::SendIntent>();
      sent[body.socket].add(body.offset, record.tail<abi::SendIntent>());
      in_handler += (record.flags & abi::kUnordered) != 0 ? 1 : 0;
    }
    if (record.type == RecordType::kBytesIn) {
      const auto body = record.body<abi::BytesIn>();
      if (body.length > 0) received[body.socket].add(body.offset, record.tail<abi::BytesIn>());
    }
  }
  ASSERT_EQ(sent.size(), 2u);
  ASSERT_EQ(received.size(), 2u);
  EXPECT_GT(in_handler, 20u);
  std::vector<std::string> out;
  std::vector<std::string> in;
  for (const auto& [socket, stream] : sent) out.push_back(stream.whole());
  for (const auto& [socket, stream] : received) in.push_back(stream.whole());
  EXPECT_THAT(in, ::testing::UnorderedElementsAreArray(out));
  EXPECT_TRUE(arena.of(RecordType::kGap).empty());
}

}  // namespace
}  // namespace reprise::agent
