// What a service says under TLS is recorded in the clear, whatever carries the ciphertext, and
// nothing else of the connection is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::run_service;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/tls_probe";

template <typename Body>
std::map<abi::Cookie, std::string> streams(TestArena& arena, RecordType type) {
  std::map<abi::Cookie, std::string> found;
  for (const SeenRecord& record : arena.of(type)) {
    const auto body = record.body<Body>();
    if (body.length == 0) continue;
    std::string& stream = found[body.socket];
    EXPECT_LE(body.offset, stream.size()) << "bytes are missing before this record";
    stream.resize(body.offset);
    stream += record.tail<Body>();
  }
  return found;
}

// The handshakes that were told, those of the client first.
std::vector<SeenRecord> handshakes(TestArena& arena) {
  std::vector<SeenRecord> told = arena.of(RecordType::kTls);
  std::ranges::stable_partition(
      told, [](const SeenRecord& record) { return record.body<abi::Tls>().client != 0; });
  return told;
}

class Carriers : public ::testing::TestWithParam<
                     std::tuple<std::string, std::string, std::string, std::string>> {};

TEST_P(Carriers, AreRecordedInTheClear) {
  const auto& [carrier, form, ending, size] = GetParam();
  const std::string text = (size == "large" ? std::string(1 << 20, 'x') : "hello") + "\n";
  TestArena arena({.segments = 512});
  const auto run = run_service(arena, {kProbe, "talk", carrier, form, ending, size});
  ASSERT_TRUE(run.exited_with(0)) << run.output;

  const auto told = handshakes(arena);
  ASSERT_EQ(told.size(), 2u);
  const auto client = told[0].body<abi::Tls>(), server = told[1].body<abi::Tls>();
  EXPECT_EQ(client.client, 1u);
  EXPECT_EQ(server.client, 0u);
  EXPECT_EQ(client.version, 0x0304u);
  EXPECT_EQ(client.error, 0);
  EXPECT_GT(client.certificate_bytes, 100u);
  EXPECT_EQ(server.certificate_bytes, 0u);
  const std::string words("probe.test\0probe/1\0TLS_", 23);
  EXPECT_EQ(told[0].tail<abi::Tls>().substr(0, words.size()), words);
  EXPECT_EQ(told[1].tail<abi::Tls>().substr(0, words.size()), words);

  const auto sent = streams<abi::SendIntent>(arena, RecordType::kSendIntent);
  const auto received = streams<abi::BytesIn>(arena, RecordType::kBytesIn);
  ASSERT_EQ(sent.size(), 2u);
  ASSERT_EQ(received.size(), 2u);
  for (const abi::Cookie end : {client.socket, server.socket}) {
    EXPECT_EQ(sent.at(end), text);
    EXPECT_EQ(received.at(end), text);
  }
  std::map<abi::Cookie, std::int64_t> taken;
  for (const SeenRecord& record : arena.of(RecordType::kSendResult)) {
    const auto result = record.body<abi::SendResult>();
    if (result.result > 0) taken[result.socket] += result.result;
  }
  EXPECT_EQ(taken[client.socket], static_cast<std::int64_t>(text.size()));

  abi::BytesIn last{};
  for (const SeenRecord& record : arena.of(RecordType::kBytesIn)) {
    if (record.body<abi::BytesIn>().socket == client.socket) last = record.body<abi::BytesIn>();
  }
  EXPECT_EQ(last.length, 0u);
  EXPECT_EQ(last.error, ending == "notified" ? 0 : abi::kTlsTruncated);
  EXPECT_TRUE(arena.of(RecordType::kGap).empty());
}

std::string case_name(const ::testing::TestParamInfo<Carriers::ParamType>& info) {
  return std::get<0>(info.param) + "_" + std::get<1>(info.param) + "_" + std::get<2>(info.param) +
         "_" + std::get<3>(info.param);
}

INSTANTIATE_TEST_SUITE_P(Tls, Carriers,
                         ::testing::Combine(::testing::Values("socket", "memory", "pair"),
                                            ::testing::Values("plain", "ex"),
                                            ::testing::Values("notified", "cut"),
                                            ::testing::Values("small", "large")),
                         case_name);

TEST(Tls, HandshakeThatFailsIsTold) {
  TestArena arena;
  const auto run = run_service(arena, {kProbe, "fail"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto told = handshakes(arena);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].body<abi::Tls>().error, 0);
}

// Nothing was recorded of what it read, and that is said; what comes after is.
TEST(Tls, HelloThatNoSessionHasIsAGap) {
  TestArena arena;
  const auto run = run_service(arena, {kProbe, "relay"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ(arena.of(RecordType::kGap).size(), 1u);
  const auto sent = streams<abi::SendIntent>(arena, RecordType::kSendIntent);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent.begin()->second, "not TLS");
}

TEST(Tls, CallThatWasLeftByALongjmpIsOver) {
  TestArena arena;
  const auto run = run_service(arena, {kProbe, "leave"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_EQ((streams<abi::SendIntent>(arena, RecordType::kSendIntent).size()), 1u);
  EXPECT_EQ((streams<abi::BytesIn>(arena, RecordType::kBytesIn).size()), 1u);
}

}  // namespace
}  // namespace reprise::agent
