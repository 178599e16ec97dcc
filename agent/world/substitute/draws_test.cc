// Draws of a replayed program: what comes from the tape, what when it runs out, and what stays
// apart.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/world/substitute/testing/client.h"
#include "agent/world/substitute/testing/test_replay.h"

namespace reprise::agent::testing {
namespace {

constexpr std::int64_t kStep = TestReplay::kClockStepNs;

const std::string& probe() {
  static const std::string path = runfile("agent/world/substitute/testing/draws_probe");
  return path;
}

TestDraw realtime(std::int64_t ns) { return {.source = 0, .value = ns}; }
TestDraw monotonic(std::int64_t ns) { return {.source = 1, .value = ns}; }
TestDraw random_bytes(const std::string& bytes) {
  return {.kind = abi::DrawKind::kRandom,
          .source = static_cast<std::uint8_t>(abi::RandomSource::kGetrandom),
          .bytes = bytes};
}

std::string line(const char* name, std::int64_t value) {
  return std::string(name) + " " + std::to_string(value) + "\n";
}

// What the probe tells when it starts at entry 0 and does `actions`.
std::string draws_at_start(TestReplay& replay, const std::string& actions) {
  replay.thread_entry = 0;
  replay.launch({probe(), "start", actions});
  EXPECT_EQ(replay.wait_for_exit(), 0);
  return replay.output();
}

TEST(Draws, ComeFromTheTapeInTheirOrder) {
  TestReplay replay({{.io = {realtime(100), monotonic(7), realtime(200)}}});
  EXPECT_EQ(draws_at_start(replay, "rmr"), line("r", 100) + line("m", 7) + line("r", 200));
  EXPECT_EQ(replay.header().draws_exact, 3u);
  EXPECT_EQ(replay.header().draws_relaxed, 0u);
}

TEST(Draws, OfOneSourceDoNotShiftThoseOfAnother) {
  TestReplay replay({{.io = {realtime(100), monotonic(7), realtime(200), monotonic(8)}}});
  EXPECT_EQ(draws_at_start(replay, "mmrr"),
            line("m", 7) + line("m", 8) + line("r", 100) + line("r", 200));
}

TEST(Draws, OneReadTooManyGetsTheValueThatFollowsWithoutTakingIt) {
  TestReplay replay({{.io = {realtime(100)}, .next = 1}, {.io = {realtime(900)}}});
  EXPECT_EQ(draws_at_start(replay, "rrr"), line("r", 100) + line("r", 900) + line("r", 900));
  EXPECT_EQ(replay.header().draws_exact, 1u);
  EXPECT_EQ(replay.header().draws_relaxed, 2u);
}

TEST(Draws, PastTheEndOfTheContextAddOneStepEach) {
  const std::int64_t late = TestReplay::kRealtimeNs + 1'000'000;
  TestReplay replay({{.io = {realtime(late)}}});
  EXPECT_EQ(draws_at_start(replay, "rrr"),
            line("r", late) + line("r", late + kStep) + line("r", late + 2 * kStep));
}

TEST(Draws, PastTheEndFollowTheClockWordOnceItIsLater) {
  TestReplay replay({{.io = {realtime(5)}}});
  EXPECT_EQ(draws_at_start(replay, "rr"), line("r", 5) + line("r", TestReplay::kRealtimeNs));
}

TEST(Draws, ARandomDrawTooManyIsNotARecordedOne) {
  TestReplay replay(
      {{.io = {random_bytes("12345678")}, .next = 1}, {.io = {random_bytes("abcdefgh")}}});
  const std::string output = draws_at_start(replay, "ggg");
  EXPECT_EQ(output.substr(0, 19), "g 3132333435363738\n");
  EXPECT_EQ(output.find("6162636465666768"), std::string::npos);
  EXPECT_NE(output.substr(19, 19), output.substr(38, 19));
  EXPECT_EQ(replay.header().draws_relaxed, 2u);
}

TEST(Draws, GeneratedRandomnessIsTheSameInEachRun) {
  std::string first;
  for (int run = 0; run < 2; ++run) {
    TestReplay replay({TestEntry{}});
    const std::string output = draws_at_start(replay, "ggee");
    if (run == 0) first = output;
    EXPECT_EQ(output, first);
  }
  EXPECT_EQ(first.size(), 4 * 19u);
}

TEST(Draws, WithoutATapeGoByTheClockWordsAndCountAsBackground) {
  TestReplay replay;
  replay.launch({probe(), "start", "rmts"});
  EXPECT_EQ(replay.wait_for_exit(), 0);
  // Each read without a move of the clock goes on by a step, so that loops on the clock end.
  EXPECT_EQ(replay.output(), line("r", TestReplay::kRealtimeNs) +
                                 line("m", TestReplay::kMonotonicNs + kStep) +
                                 line("t", (TestReplay::kRealtimeNs + 2 * kStep) / 1000) +
                                 line("s", TestReplay::kRealtimeNs / 1'000'000'000));
  EXPECT_EQ(replay.header().draws_background, 4u);
  EXPECT_EQ(replay.header().draws_exact, 0u);
}

TEST(Draws, MonotonicNeverDecreasesWithinAProcess) {
  TestReplay replay({{.io = {monotonic(500), monotonic(300), monotonic(600)}}});
  EXPECT_EQ(draws_at_start(replay, "mmm"), line("m", 500) + line("m", 500) + line("m", 600));
}

// One recorded wait: read too often before it, or less often, what comes behind it is the same.
TEST(Draws, MonotonicReadsAreNotTakenAcrossATimeOut) {
  constexpr std::int64_t kBefore = TestReplay::kMonotonicNs, kHour = 3'600'000'000'000;
  const TestDraw time_out{.kind = abi::DrawKind::kTimeOut};
  for (const std::string before : {"m", "mm", "mmmm"}) {
    TestReplay replay({{.io = {monotonic(kBefore), monotonic(kBefore + 1), time_out,
                               monotonic(kBefore + kHour + 7), realtime(9)}}});
    replay.thread_entry = 0;
    replay.launch({probe(), "start", before + "wmr"});
    ASSERT_NE(replay.wait_for(abi::Activity::kReadiness), nullptr);
    replay.move_clock_by(kHour + 5'000);
    EXPECT_EQ(replay.wait_for_exit(), 0);
    const std::string output = replay.output();
    EXPECT_EQ(output.substr(output.find("w ")),
              line("w", 0) + line("m", kBefore + kHour + 7) + line("r", 9));
  }
}

TEST(Draws, OtherClocksAreAnsweredTheSameWay) {
  const auto source = [](abi::ClockSource clock) { return static_cast<std::uint8_t>(clock); };
  TestReplay replay(
      {{.io = {{.source = source(abi::ClockSource::kBoottime), .value = 11},
               {.source = source(abi::ClockSource::kProcessCpu), .value = 22},
               {.source = source(abi::ClockSource::kGettimeofday), .value = 33'000},
               {.source = source(abi::ClockSource::kTime), .value = 44'000'000'000}}}});
  EXPECT_EQ(draws_at_start(replay, "bcts"),
            line("b", 11) + line("c", 22) + line("t", 33) + line("s", 44));
  EXPECT_EQ(replay.header().draws_exact, 4u);
}

TEST(Draws, RecordsSayWhatWasSubstitutedAndRelaxed) {
  TestReplay replay({{.io = {realtime(1)}}});
  draws_at_start(replay, "rr");
  const std::vector<SeenRecord> clocks = replay.arena().of(abi::RecordType::kClock);
  ASSERT_EQ(clocks.size(), 2u);
  EXPECT_EQ(clocks[0].flags, abi::kSubstituted);
  EXPECT_EQ(clocks[1].flags, abi::kSubstituted | abi::kRelaxed);
  EXPECT_EQ(clocks[0].body<abi::Clock>().value_ns, 1);
}

TEST(Draws, AThreadIsNamedByItsMakersPlaceAndStartsWhereItIsTold) {
  TestReplay replay({{.io = {realtime(1)}}, {.io = {realtime(2)}}});
  std::vector<abi::AskThread> asked;
  replay.answer(abi::Ask::kThread, [&](const std::string& request) {
    abi::AskThread ask = {};
    memcpy(&ask, request.data(), sizeof ask);
    asked.push_back(ask);
    return body_of(abi::AnswerThread{ask.thread == 0 ? 0u : 1u, 0, 0, 0});
  });
  replay.launch({probe(), "thread", "r"});
  EXPECT_EQ(replay.wait_for_exit(), 0);
  EXPECT_EQ(replay.output(), line("r", 2));
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].creator_entry, abi::kNone);
  EXPECT_EQ(asked[1].creator_entry, 0u);
  EXPECT_EQ(asked[1].created_since, 0u);
  EXPECT_EQ(asked[1].creator_ready, 0u);
}

// --- Anchors
// -----------------------------------------------------------------------------------------

// A service with one driven connection, and what it has told.
class ServedDraws : public ::testing::Test {
 protected:
  void start(const std::vector<TestEntry>& tape, const std::vector<std::string>& arguments = {}) {
    replay_.emplace(tape);
    service_.emplace(*replay_);
    std::vector<std::string> command = {probe(), "serve"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    replay_->launch(command);
    ASSERT_TRUE(replay_->wait_until([&] { return service_->listens; }));
    client_.emplace(service_->actual);
    ASSERT_TRUE(replay_->wait_until([&] { return !service_->accepted.empty(); }));
  }
  // Sends `actions` as the input of tape entry `entry`, and waits until they are done.
  void input(const std::string& actions, std::uint32_t entry, std::int64_t shift = 0) {
    replay_->publish(1, {sent_, entry, 0, shift, 0});
    send(actions);
  }
  void send(const std::string& actions) {
    const std::size_t reads = count_reads();
    client_->send(actions);
    sent_ += actions.size();
    ASSERT_TRUE(replay_->wait_until([&] { return count_reads() > reads; }));
  }
  std::size_t count_reads() {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = replay_->output().find("read ", at)) != std::string::npos;
         ++at) {
      ++count;
    }
    return count;
  }
  // The output without the lines that count bytes.
  std::string draws() {
    std::string result;
    std::string text = replay_->output();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string one = text.substr(at, end - at + 1);
      if (one.rfind("read ", 0) != 0) result += one;
      at = end + 1;
    }
    return result;
  }

  std::optional<TestReplay> replay_;
  std::optional<DrivenService> service_;
  std::optional<Client> client_;
  std::uint64_t sent_ = 0;
};

TEST_F(ServedDraws, AnAddedAndARemovedReadEndAtTheNextInput) {
  start({{.io = {realtime(10), realtime(11)}, .next = 1},
         {.io = {realtime(20), realtime(21)}, .next = 2},
         {.io = {realtime(30)}}});
  input("rrr", 0);  // one too many
  input("r", 1);    // one too few
  input("r", 2);
  EXPECT_EQ(draws(), line("r", 10) + line("r", 11) + line("r", 20) + line("r", 20) + line("r", 30));
}

TEST_F(ServedDraws, AnInputThatWasNotRecordedIsNoAnchor) {
  start({{.io = {realtime(10), realtime(11)}}});
  input("r", 0);
  input("r", abi::kNone);
  EXPECT_EQ(draws(), line("r", 10) + line("r", 11));
}

TEST_F(ServedDraws, OneRecordedReadMayComeInSeveral) {
  start({{.io = {realtime(10), realtime(11)}}});
  input("r", 0);
  send("r");  // no mark of its own
  EXPECT_EQ(draws(), line("r", 10) + line("r", 11));
}

TEST_F(ServedDraws, BetweenReadinessAndReadAreApart) {
  start({{.ready = {realtime(1)}, .io = {realtime(2)}, .next = 1},
         {.ready = {realtime(3)}, .io = {realtime(4)}}},
        {"r"});
  input("r", 0);
  input("r", 1);
  client_->finish();
  ASSERT_EQ(replay_->wait_for_exit(), 0);
  EXPECT_EQ(draws().substr(0, draws().find("r 4") + 4),
            line("r", 1) + line("r", 2) + line("r", 3) + line("r", 4));
}

TEST_F(ServedDraws, MonotonicIsShiftedByTheMark) {
  start({{.io = {monotonic(100), realtime(5)}}});
  input("mr", 0, 1'000);
  EXPECT_EQ(draws(), line("m", 1'100) + line("r", 5));
}

TEST_F(ServedDraws, TheEndOfTheStreamIsAnInputToo) {
  start({{.io = {realtime(1)}, .next = 1}, {.ready = {realtime(9)}}}, {"r"});
  input("r", 0);
  replay_->publish(1, {sent_, 1, 0, 0, 0});
  client_->finish();
  ASSERT_EQ(replay_->wait_for_exit(), 0);
  EXPECT_NE(replay_->output().find(line("r", 9) + line("end", 0)), std::string::npos);
}

}  // namespace
}  // namespace reprise::agent::testing
