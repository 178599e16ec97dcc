#include "replayer/draw_tally.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;
using Lines = std::vector<std::string>;

constexpr std::uint8_t kRealtime = 0, kMonotonic = 1, kThreadCpu = 3, kGettimeofday = 32,
                       kGetrandom = 1;
constexpr std::uint64_t kProgram = 0x1800, kLibrary = 0x5800, kRuntime = 0x7800;

class Tally : public testing::Test {
 protected:
  Tally() {
    recording_.tell(event::ProcessStarted{.executable = "/srv/shop", .path = "0"});
    recording_.tell(event::ModuleLoaded{"/srv/shop", 0x1000, 0x2000, 0});
    recording_.tell(event::ModuleLoaded{"/usr/lib/libcurl.so.4", 0x5000, 0x6000, 0});
    recording_.tell(event::ModuleLoaded{"/usr/lib/libstdc++.so.6", 0x7000, 0x8000, 0});
    recording_.context = Context::of({1});
  }

  void read_clock(std::uint8_t source = kRealtime, std::uint64_t caller = kProgram) {
    recording_.tell(event::ClockRead{.source = source, .caller = caller});
  }
  // "2 × getrandom"
  Lines counted(std::uint64_t exchange = 1) {
    tally_ = {};
    for (const event::Event& event : recording_.events) tally_.on_event(event);
    Lines lines;
    for (const auto& [source, count] : tally_.of({exchange})) {
      lines.push_back(std::to_string(count) + " × " + draw_name(source));
    }
    return lines;
  }

  ToldRecording recording_;
  const event::ConnectionId client_ = recording_.accept();
  DrawTally tally_;
};

TEST_F(Tally, ProgramsOwnDrawsAreCountedBySource) {
  read_clock();
  read_clock();
  read_clock(kGettimeofday);
  recording_.tell(event::RandomDrawn{.source = kGetrandom, .caller = kProgram});
  EXPECT_EQ(counted(),
            (Lines{"2 × clock_gettime(CLOCK_REALTIME)", "1 × gettimeofday", "1 × getrandom"}));
  EXPECT_EQ(tally_.incidental(), 0u);
}

TEST_F(Tally, ExchangesAreCountedApart) {
  read_clock();
  recording_.context = Context::of({2});
  read_clock();
  read_clock();
  EXPECT_EQ(counted(1), Lines{"1 × clock_gettime(CLOCK_REALTIME)"});
  EXPECT_EQ(counted(2), Lines{"2 × clock_gettime(CLOCK_REALTIME)"});
  tally_.forget({2});
  EXPECT_TRUE(tally_.of({2}).empty());
}

TEST_F(Tally, MonotonicReadsAndThoseOfLibrariesAreIncidental) {
  read_clock(kMonotonic);
  read_clock(kRealtime, kLibrary);
  recording_.tell(event::RandomDrawn{.source = kGetrandom, .caller = kLibrary});
  EXPECT_EQ(counted(), Lines{});
  EXPECT_EQ(tally_.incidental(), 3u);
}

TEST_F(Tally, LanguageRuntimeDrawsForTheProgram) {
  read_clock(kRealtime, kRuntime);
  EXPECT_EQ(counted(), Lines{"1 × clock_gettime(CLOCK_REALTIME)"});
}

TEST_F(Tally, ForkedChildHasTheLibrariesOfItsParent) {
  recording_.process = {2};
  recording_.thread = {2};
  recording_.tell(event::ProcessStarted{.executable = "/srv/shop", .parent = {1}, .path = "0.1"});
  read_clock(kRealtime, kLibrary);
  EXPECT_EQ(counted(), Lines{});
  EXPECT_EQ(tally_.incidental(), 1u);
}

TEST_F(Tally, WorkOutsideOfExchangesBelongsToNone) {
  recording_.context = Context::background();
  read_clock();
  recording_.context = Context::unattributed();
  read_clock();
  EXPECT_EQ(counted(), Lines{});
  EXPECT_EQ(tally_.unattributed(), 1u);
}

// --- Threads that look for work
// -------------------------------------------------------------------

TEST_F(Tally, DrawsBetweenAReportAndTheReadAreNotCounted) {
  recording_.report({client_});
  read_clock();
  recording_.receive(client_, "x");
  read_clock(kGettimeofday);
  EXPECT_EQ(counted(), Lines{"1 × gettimeofday"});
}

TEST_F(Tally, DrawsAfterAReadThatFoundNothingAreNotCounted) {
  recording_.receive(client_, "x");
  recording_.receive_nothing(client_, EAGAIN);
  read_clock();
  EXPECT_EQ(counted(), Lines{});
}

TEST_F(Tally, DrawsAfterASendThatFoundNoRoomAreNotCounted) {
  recording_.receive(client_, "x");
  recording_.tell(event::SendIntended{.connection = client_, .bytes = {1}});
  recording_.tell(event::SendFinished{client_, 0, -1, EAGAIN});
  read_clock();
  EXPECT_EQ(counted(), Lines{});
  recording_.send(client_, "y");
  read_clock();
  EXPECT_EQ(counted(), Lines{"1 × clock_gettime(CLOCK_REALTIME)"});
}

TEST_F(Tally, WaitThatReportedNothingEndsNoWork) {
  recording_.receive(client_, "x");
  recording_.report({});
  read_clock();
  EXPECT_EQ(counted(), Lines{"1 × clock_gettime(CLOCK_REALTIME)"});
}

TEST_F(Tally, AcceptAndSendAreWork) {
  for (const bool accepts : {true, false}) {
    recording_.report({client_});
    if (accepts) {
      recording_.accept();
    } else {
      recording_.send(client_, "x");
    }
    read_clock();
  }
  EXPECT_EQ(counted(), Lines{"2 × clock_gettime(CLOCK_REALTIME)"});
}

TEST_F(Tally, OneThreadLooksForWorkWhileAnotherWorks) {
  recording_.report({client_});
  recording_.thread = {2};
  read_clock();
  EXPECT_EQ(counted(), Lines{"1 × clock_gettime(CLOCK_REALTIME)"});
}

TEST_F(Tally, EverySourceHasAName) {
  EXPECT_EQ(draw_name({abi::DrawKind::kRandom, 5}), "std::random_device");
  EXPECT_EQ(draw_name({abi::DrawKind::kClock, 33}), "time");
  EXPECT_EQ(draw_name({abi::DrawKind::kClock, 99}), "a clock");
  EXPECT_EQ(draw_name({abi::DrawKind::kRandom, 99}), "a random source");
}

TEST_F(Tally, ReadsOfProcessorTimeAreIncidental) {
  read_clock(kThreadCpu);
  EXPECT_EQ(counted(), Lines{});
  EXPECT_EQ(tally_.incidental(), 1u);
}

}  // namespace
}  // namespace reprise::replayer
