// A readiness wait names the connections it reported, whatever the service registered them as.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::Outcome;
using testing::run_service;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/readiness_probe";

struct SeenWait {
  abi::Wait wait;
  abi::WaitKind kind;
  std::vector<abi::Ready> ready;
};

std::vector<SeenWait> waits_of(TestArena& arena) {
  std::vector<SeenWait> found;
  for (const SeenRecord& record : arena.of(RecordType::kWait)) {
    SeenWait seen{record.body<abi::Wait>(), static_cast<abi::WaitKind>(record.source), {}};
    const std::string tail = record.tail<abi::Wait>();
    seen.ready.resize(tail.size() / sizeof(abi::Ready));
    std::ranges::copy(tail, reinterpret_cast<char*>(seen.ready.data()));
    EXPECT_EQ(seen.ready.size(), seen.wait.ready);
    found.push_back(seen);
  }
  return found;
}

// Sockets that were accepted, in order.
std::vector<abi::Cookie> accepted(TestArena& arena) {
  std::vector<abi::Cookie> found;
  for (const auto& record : arena.of(RecordType::kAccept)) {
    found.push_back(record.body<abi::Accept>().socket);
  }
  return found;
}

class WaitForms : public ::testing::TestWithParam<std::string> {};

TEST_P(WaitForms, NameTheSocketAndTheTimeOut) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "forms", GetParam()});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto waits = waits_of(arena);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].wait.result, 1);
  EXPECT_EQ(waits[0].wait.timeout_ns, 10'000'000'000);
  EXPECT_EQ(waits[0].wait.others, 0u);
  ASSERT_EQ(waits[0].ready.size(), 1u);
  EXPECT_EQ(waits[0].ready[0].socket, accepted(arena)[0]);
  EXPECT_EQ(waits[0].ready[0].flags, abi::kReadable);
  const std::string& form = GetParam();
  EXPECT_EQ(waits[0].kind, form.starts_with("epoll")                  ? abi::WaitKind::kEpoll
                           : form.find("select") != std::string::npos ? abi::WaitKind::kSelect
                                                                      : abi::WaitKind::kPoll);
}

INSTANTIATE_TEST_SUITE_P(All, WaitForms,
                         ::testing::Values("poll", "__poll_chk", "ppoll", "__ppoll_chk", "select",
                                           "pselect", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
                         [](const auto& form) { return form.param; });

TEST(Readiness, EpollDataOfAnyKindLeadsToTheSocket) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "epoll_data"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto waits = waits_of(arena);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].wait.result, 4);
  EXPECT_EQ(waits[0].wait.others, 1u) << "the event descriptor";
  std::vector<abi::Cookie> named;
  for (const abi::Ready& ready : waits[0].ready) named.push_back(ready.socket);
  EXPECT_THAT(named, ::testing::UnorderedElementsAreArray(accepted(arena)));
}

TEST(Readiness, ReusedDescriptorAndDataMeanTheNewConnection) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "epoll_reused"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::vector<abi::Cookie> named;
  for (const SeenWait& seen : waits_of(arena)) {
    ASSERT_EQ(seen.ready.size(), 1u);
    named.push_back(seen.ready[0].socket);
  }
  EXPECT_EQ(named, accepted(arena));
}

TEST(Readiness, SameDataForTwoSocketsNamesNeither) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "epoll_ambiguous"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto waits = waits_of(arena);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_TRUE(waits[0].ready.empty());
  EXPECT_EQ(waits[0].wait.others, 1u);
}

TEST(Readiness, SelectMergesTheSetsOfOneSocket) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "select_sets"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const SeenWait last = waits_of(arena).back();
  EXPECT_EQ(last.wait.result, 3);
  EXPECT_EQ(last.wait.timeout_ns, -1);
  ASSERT_EQ(last.ready.size(), 2u);
  const abi::Cookie listener = arena.of(RecordType::kListen)[0].body<abi::Listen>().socket;
  for (const abi::Ready& ready : last.ready) {
    EXPECT_EQ(ready.flags, ready.socket == listener
                               ? std::uint32_t{abi::kReadable}
                               : std::uint32_t{abi::kReadable} | abi::kWritable);
  }
}

TEST(Readiness, TimedOutWaitIsRecorded) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "timed_out"}).exited_with(0));
  const auto waits = waits_of(arena);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].wait.result, 0);
  EXPECT_EQ(waits[0].wait.timeout_ns, 1'000'000);
}

TEST(Readiness, PollingInALoopIsOneRecordUntilSomethingHappens) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "spinning"}).exited_with(0));
  EXPECT_EQ(waits_of(arena).size(), 2u);
}

TEST(Readiness, MoreThanARecordNamesIsCounted) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "crowded"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto waits = waits_of(arena);
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].wait.result, 300);
  EXPECT_EQ(waits[0].ready.size() + waits[0].wait.others, 300u);
  EXPECT_GE(waits[0].ready.size(), 256u);
}

}  // namespace
}  // namespace reprise::agent
