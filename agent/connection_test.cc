// Connections keep their names and offsets through everything that is done to their descriptors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
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

constexpr char kProbe[] = "agent/testing/connection_probe";

// The number that the probe printed behind `name`.
std::uint64_t printed(const Outcome& run, const std::string& name) {
  const std::size_t at = run.output.find(name + " ");
  if (at == std::string::npos) return 0;
  return std::stoull(run.output.substr(at + name.size() + 1));
}

std::uint16_t port_of(const abi::SocketAddress& address) {
  sockaddr_in decoded{};
  memcpy(&decoded, address.bytes, sizeof(decoded));
  return ntohs(decoded.sin_port);
}

TEST(Connection, AcceptTellsListenerPeerAndOwnAddress) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "accepted"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto listens = arena.of(RecordType::kListen);
  ASSERT_EQ(listens.size(), 1u);
  const auto listen = listens[0].body<abi::Listen>();
  EXPECT_EQ(listen.backlog, 64);
  const auto accepts = arena.of(RecordType::kAccept);
  ASSERT_EQ(accepts.size(), 2u);
  const auto taken = accepts[0].body<abi::Accept>();
  EXPECT_EQ(taken.listener, listen.socket);
  EXPECT_NE(taken.socket, 0u);
  EXPECT_EQ(taken.nonblocking, 0u);
  EXPECT_EQ(port_of(taken.local), port_of(listen.local));
  EXPECT_EQ(port_of(taken.peer), printed(run, "port"));
  EXPECT_EQ(taken.peer.length, sizeof(sockaddr_in)) << "whole, though the service's buffer was not";
  const auto none = accepts[1].body<abi::Accept>();
  EXPECT_EQ(none.error, EAGAIN);
  EXPECT_EQ(none.socket, 0u);
  EXPECT_EQ(none.nonblocking, 1u);
}

TEST(Connection, RefusedConnectIsRecorded) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "refused"}).exited_with(0));
  const auto connects = arena.of(RecordType::kConnect);
  ASSERT_EQ(connects.size(), 1u);
  EXPECT_EQ(connects[0].body<abi::Connect>().error, ECONNREFUSED);
  EXPECT_TRUE(arena.of(RecordType::kConnectResult).empty());
}

class NonblockingConnect : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(NonblockingConnect, OutcomeIsRecordedOnceItIsLearnt) {
  const auto& [outcome, way] = GetParam();
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "nonblocking", outcome, way});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto connects = arena.of(RecordType::kConnect);
  ASSERT_EQ(connects.size(), 1u);
  EXPECT_EQ(connects[0].body<abi::Connect>().error, EINPROGRESS);
  const auto results = arena.of(RecordType::kConnectResult);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].body<abi::ConnectResult>().socket, connects[0].body<abi::Connect>().socket);
  EXPECT_EQ(results[0].body<abi::ConnectResult>().error, outcome == "up" ? 0 : ECONNREFUSED);
}

// Draws between the wait and the first use belong to everything the wait reported, so the wait
// itself is no use.
TEST_P(NonblockingConnect, TheWaitThatReportsItTeachesNothingYet) {
  const auto& [outcome, way] = GetParam();
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "nonblocking", outcome, way}).exited_with(0));
  std::vector<RecordType> order;
  for (const SeenRecord& record : arena.drain()) {
    const RecordType type = record.type;
    if (type == RecordType::kWait || type == RecordType::kClock ||
        type == RecordType::kConnectResult) {
      order.push_back(type);
    }
  }
  EXPECT_THAT(order, ::testing::ElementsAre(RecordType::kWait, RecordType::kClock,
                                            RecordType::kConnectResult));
}

TEST(Connection, OneThatIsClosedAfterAWaitReportedItWasEstablished) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "nonblocking", "up", "close"}).exited_with(0));
  const auto results = arena.of(RecordType::kConnectResult);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].body<abi::ConnectResult>().error, 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, NonblockingConnect,
                         ::testing::Combine(::testing::Values("up", "down"),
                                            ::testing::Values("option", "send", "connect")),
                         [](const auto& way) {
                           return std::get<0>(way.param) + "_" + std::get<1>(way.param);
                         });

TEST(Connection, CopiesOfADescriptorAreOneConnection) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "copies"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const abi::Cookie client = printed(run, "client");
  std::uint64_t expected = 0;
  for (const auto& record : arena.of(RecordType::kSendIntent)) {
    EXPECT_EQ(record.body<abi::SendIntent>().socket, client);
    EXPECT_EQ(record.body<abi::SendIntent>().offset, expected);
    expected += 2;
  }
  EXPECT_EQ(expected, 10u);
  // Closed between the last dot and the exclamation mark, and only there.
  int dots = 0;
  std::vector<int> dots_before_close;
  for (const SeenRecord& record : arena.drain()) {
    if (record.type == RecordType::kLog && record.tail<abi::Log>() == ".") ++dots;
    if (record.type == RecordType::kClose && record.body<abi::Close>().socket == client) {
      dots_before_close.push_back(dots);
    }
  }
  EXPECT_EQ(dots_before_close, std::vector<int>{5});
}

TEST(Connection, ReplacedDescriptorEndsItsConnectionAndAFailedReplacementDoesNot) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "replaced"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.closed(), std::vector<abi::Cookie>{printed(run, "first")});
  const auto sends = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(sends.size(), 2u);
  EXPECT_EQ(sends[0].body<abi::SendIntent>().socket, printed(run, "second"));
  EXPECT_EQ(sends[1].body<abi::SendIntent>().socket, printed(run, "second"));
  EXPECT_EQ(sends[1].body<abi::SendIntent>().offset, 10u);
}

class ClosedAll : public ::testing::TestWithParam<std::string> {};

TEST_P(ClosedAll, EndsConnectionsAndCaptureGoesOn) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "closed_all", GetParam()});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_THAT(arena.closed(), ::testing::Contains(printed(run, "client")).Times(1));
  const auto sends = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].tail<abi::SendIntent>(), "after");
  EXPECT_EQ(sends[0].body<abi::SendIntent>().offset, 0u);
}

INSTANTIATE_TEST_SUITE_P(Ways, ClosedAll, ::testing::Values("range", "from", "loop"),
                         [](const auto& way) { return way.param; });

TEST(Connection, ChildOfAForkGoesOnWhereTheParentWas) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "inherited"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto sends = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(sends.size(), 2u);
  const bool parent_first = sends[0].tail<abi::SendIntent>() == "parent";
  const SeenRecord& parent = sends[parent_first ? 0 : 1];
  const SeenRecord& child = sends[parent_first ? 1 : 0];
  EXPECT_EQ(child.tail<abi::SendIntent>(), "child");
  EXPECT_EQ(child.body<abi::SendIntent>().socket, parent.body<abi::SendIntent>().socket);
  EXPECT_EQ(child.body<abi::SendIntent>().offset, 6u);
  EXPECT_NE(child.process, parent.process);
}

TEST(Connection, PassedDescriptorKeepsItsName) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "passed"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto sends = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].body<abi::SendIntent>().socket, printed(run, "client"));
}

TEST(Connection, DatagramsToAPeerAreRecordedAndThoseOfOthersAreNot) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "datagrams"}).exited_with(0));
  const auto connects = arena.of(RecordType::kConnect);
  const auto sends = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(connects.size(), 1u);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(connects[0].body<abi::Connect>().type, SOCK_DGRAM);
  EXPECT_EQ(sends[0].body<abi::SendIntent>().socket, connects[0].body<abi::Connect>().socket);
  // Who receives from somebody it never sent to serves.
  EXPECT_TRUE(arena.of(RecordType::kBytesIn).empty());
}

}  // namespace
}  // namespace reprise::agent
