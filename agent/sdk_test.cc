// What the SDK tells is recorded as conversations on connections of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
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

constexpr char kProbe[] = "agent/testing/sdk_probe";

// The abstract name in an address, with its prefix.
std::string name_in(const abi::SocketAddress& address) {
  const std::string all(reinterpret_cast<const char*>(address.bytes), address.length);
  return all.size() > 3 ? all.substr(3) : "";
}

// What was said on each connection, in and out, by its cookie.
struct Said {
  std::string out, in;
};
std::map<abi::Cookie, Said> said(TestArena& arena) {
  std::map<abi::Cookie, Said> all;
  for (const SeenRecord& record : arena.of(RecordType::kSendIntent)) {
    const auto body = record.body<abi::SendIntent>();
    std::string& out = all[body.socket].out;
    EXPECT_EQ(body.offset, out.size());
    out += record.tail<abi::SendIntent>();
  }
  for (const SeenRecord& record : arena.of(RecordType::kBytesIn)) {
    const auto body = record.body<abi::BytesIn>();
    std::string& in = all[body.socket].in;
    EXPECT_EQ(body.offset, in.size());
    in += record.tail<abi::BytesIn>();
  }
  return all;
}

TEST(SdkCalls, OfAThreadAreOneConversationThatEndsWithIt) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "calls"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto connects = arena.of(RecordType::kConnect);
  ASSERT_EQ(connects.size(), 2u);
  const auto first = connects[0].body<abi::Connect>(), other = connects[1].body<abi::Connect>();
  EXPECT_EQ(name_in(first.peer), "reprise/annotated");
  EXPECT_NE(first.socket & abi::kSpokenCookie, 0u);
  EXPECT_NE(first.socket, other.socket);
  auto all = said(arena);
  EXPECT_EQ(all[first.socket].out,
            "CALL store_get 3 REPRISE/1\nkey"
            "CALL store.put 200000 REPRISE/1\n" +
                std::string(200'000, 'x'));
  EXPECT_EQ(all[first.socket].in, "DONE 5 REPRISE/1\nvalueDONE 0 REPRISE/1\n");
  EXPECT_EQ(all[other.socket].out, "CALL other 0 REPRISE/1\n");
  EXPECT_THAT(arena.closed(), ::testing::Contains(other.socket).Times(1)) << "the thread ended";
}

TEST(SdkCalls, MuteWhatIsDoneInsideThem) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "muted"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::string out;
  for (const auto& [socket, words] : said(arena)) out += words.out + "|";
  EXPECT_THAT(out, ::testing::HasSubstr("CALL outer 0 REPRISE/1\n"));
  EXPECT_THAT(out, ::testing::Not(::testing::HasSubstr("inner")));
  EXPECT_THAT(out, ::testing::Not(::testing::HasSubstr("inside")));
  // The control: what comes after is recorded.
  EXPECT_THAT(out, ::testing::HasSubstr("outside"));
}

TEST(SdkCalls, OfAChildAreItsOwnConversation) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "forked"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::set<std::string> conversations;
  for (const auto& [socket, words] : said(arena)) conversations.insert(words.out);
  EXPECT_EQ(conversations,
            (std::set<std::string>{"CALL parent 0 REPRISE/1\n", "CALL child 0 REPRISE/1\n"}));
}

TEST(SdkEntries, AreConnectionsThatASourceAccepted) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "inputs"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto listens = arena.of(RecordType::kListen);
  ASSERT_EQ(listens.size(), 1u);
  const auto source = listens[0].body<abi::Listen>();
  EXPECT_EQ(name_in(source.local), "reprise/entry:orders");
  // One with words, one that says that nothing came; an exception says nothing.
  const auto accepts = arena.of(RecordType::kAccept);
  ASSERT_EQ(accepts.size(), 2u);
  auto all = said(arena);
  const abi::Cookie order = accepts[0].body<abi::Accept>().socket;
  EXPECT_EQ(accepts[0].body<abi::Accept>().listener, source.socket);
  EXPECT_EQ(all[order].in, "ENTRY orders 3 REPRISE/1\ntea");
  EXPECT_EQ(all[order].out, "DONE 4 REPRISE/1\nsent");
  const abi::Cookie none = accepts[1].body<abi::Accept>().socket;
  EXPECT_EQ(all[none].in, "");
  EXPECT_THAT(arena.closed(), ::testing::UnorderedElementsAre(order, none));
}

TEST(SdkTurns, AreGivenTakenAndLeftUnderOneToken) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "turns"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::vector<abi::HandOffKind> kinds;
  std::set<std::uint64_t> tokens;
  for (const auto& record : arena.of(RecordType::kHandOff)) {
    const auto body = record.body<abi::HandOff>();
    if (body.kind == abi::HandOffKind::kThreadCreated) continue;
    kinds.push_back(body.kind);
    tokens.insert(body.token);
  }
  EXPECT_THAT(kinds,
              ::testing::UnorderedElementsAre(abi::HandOffKind::kGive, abi::HandOffKind::kTake,
                                              abi::HandOffKind::kDrop));
  EXPECT_EQ(tokens.size(), 1u);
}

TEST(Conditions, ASignalledWaitIsToldAndOneInVainIsNot) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "woken"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::map<std::uint32_t, int> wakes;
  for (const auto& record : arena.of(RecordType::kHandOff)) {
    if (record.body<abi::HandOff>().kind == abi::HandOffKind::kWoken) ++wakes[record.thread];
  }
  // Wakes that follow one another are told once: both threads did nothing else between theirs.
  for (const auto& [thread, count] : wakes) EXPECT_EQ(count, 1) << thread;
  EXPECT_FALSE(wakes.empty());
}

}  // namespace
}  // namespace reprise::agent
