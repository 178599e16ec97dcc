#include "replayer/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;
using std::chrono::milliseconds;

constexpr std::uint8_t kRealtime = 0, kMonotonic = 1, kRaw = 4;

// A recording, the clock of its replay, and what the service reads from it.
class VirtualClock : public testing::Test {
 protected:
  VirtualClock() {
    recording_.tell(event::ProcessStarted{.path = "0"});
    began_ = recording_.now();
    client_ = recording_.accept();
  }

  // MONOTONIC as the recorded service read it, in ms after its begin.
  void tell_read(std::uint64_t exchange, int ms, std::uint8_t source = kMonotonic) {
    recording_.context = Context::of({exchange});
    recording_.receive(client_, "x");
    recording_.tell(event::ClockRead{.source = source, .value_ns = at(ms).ns});
  }
  Moment at(int ms) const { return began_ + milliseconds(ms); }

  Clock& clock() {
    if (!clock_) {
      plan_ = recording_.plan();
      const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/control-" +
                               testing::UnitTest::GetInstance()->current_test_info()->name();
      auto control = Control::create(path, 1, *plan_);
      EXPECT_TRUE(control) << control.error().message;
      control_.emplace(*std::move(control));
      clock_.emplace(*control_, *plan_, as_recorded_);
    }
    return *clock_;
  }
  // What the words in the control file say.
  Moment monotonic() { return {control_->header().monotonic_ns.load()}; }
  nanoseconds wall_clock_off_the_recorded(Moment recorded) {
    const archive::Header& header = plan_->header;
    const std::int64_t then = header.realtime_epoch_ns + (recorded.ns - header.monotonic_epoch_ns);
    return nanoseconds{control_->header().realtime_ns.load() - then};
  }
  // The service gets to know the tape's value as its agent tells it.
  Moment give(std::uint64_t exchange, Moment value, std::uint8_t source = kMonotonic) {
    const Moment told = value + clock().shift(Context::of({exchange}));
    clock().given({.source = source, .value_ns = told.ns});
    return told;
  }

  bool as_recorded_ = false;
  ToldRecording recording_;
  Moment began_;
  event::ConnectionId client_;
  std::unique_ptr<Plan> plan_;
  std::optional<Control> control_;
  std::optional<Clock> clock_;
};

TEST_F(VirtualClock, StartsWhenTheRecordingDid) {
  EXPECT_EQ(clock().now(), began_);
  EXPECT_EQ(monotonic(), began_);
  EXPECT_EQ(wall_clock_off_the_recorded(began_), nanoseconds{0});
}

TEST_F(VirtualClock, GoesToTheMomentOfWhatIsReleased) {
  clock().release(at(70), {}, kNever);
  EXPECT_EQ(monotonic(), at(70));
  EXPECT_EQ(wall_clock_off_the_recorded(at(70)), nanoseconds{0});
}

TEST_F(VirtualClock, NeverTurnsBack) {
  clock().release(at(70), {}, kNever);
  clock().release(at(20), {}, kNever);
  EXPECT_EQ(monotonic(), at(70));
  clock().fire(at(30));
  EXPECT_EQ(monotonic(), at(70));
}

TEST_F(VirtualClock, WallClockIsTheRecordedOneHoweverFarTheMonotonicOneHasGot) {
  clock().release(at(70), {}, kNever);
  clock().release(at(20), {}, kNever);
  EXPECT_EQ(wall_clock_off_the_recorded(at(20)), nanoseconds{0});
}

TEST_F(VirtualClock, ReleasingInputFiresNoTimeOut) {
  clock().release(at(70), {}, at(50));
  EXPECT_LT(monotonic(), at(50));
  EXPECT_GE(monotonic(), at(49));
  clock().fire(at(50));
  EXPECT_EQ(monotonic(), at(50));
}

TEST_F(VirtualClock, FiringWakesWhoSleeps) {
  clock();
  const std::uint32_t before = control_->header().clock_moves.load();
  clock().fire(at(50));
  EXPECT_GT(control_->header().clock_moves.load(), before);
}

// --- Exchanges that overlapped, one after the other
// -----------------------------------------------

TEST_F(VirtualClock, ExchangesThatDidNotOverlapAreNotRaised) {
  clock().begin({1}, at(10));
  clock().release(at(40), Context::of({1}), kNever);
  clock().begin({2}, at(50));
  EXPECT_EQ(clock().shift(Context::of({2})), nanoseconds{0});
  EXPECT_EQ(clock().raised(), 0u);
}

TEST_F(VirtualClock, ExchangeThatOverlappedIsRaisedByWhatTheFirstOneTookAndCounted) {
  clock().begin({1}, at(10));
  clock().release(at(60), Context::of({1}), kNever);
  clock().begin({2}, at(20));
  EXPECT_EQ(clock().shift(Context::of({2})), milliseconds(40));
  EXPECT_EQ(clock().raised(), 1u);
  EXPECT_EQ(clock().greatest_shift(), milliseconds(40));

  clock().release(at(20), Context::of({2}), kNever);
  EXPECT_EQ(monotonic(), at(60));
  EXPECT_EQ(wall_clock_off_the_recorded(at(20)), nanoseconds{0});
  clock().release(at(35), Context::of({2}), kNever);  // 15 ms later, now as then
  EXPECT_EQ(monotonic(), at(75));
  EXPECT_EQ(wall_clock_off_the_recorded(at(35)), nanoseconds{0});
}

TEST_F(VirtualClock, NothingIsRaisedWhereEverythingHappensAtItsRecordedMoment) {
  as_recorded_ = true;
  clock().begin({1}, at(10));
  clock().release(at(60), Context::of({1}), kNever);
  clock().begin({2}, at(20));
  EXPECT_EQ(clock().shift(Context::of({2})), nanoseconds{0});
  EXPECT_EQ(clock().raised(), 0u);
}

TEST_F(VirtualClock, GreatestRaiseIsKept) {
  clock().release(at(100), {}, kNever);
  clock().begin({1}, at(20));
  clock().begin({2}, at(90));
  EXPECT_EQ(clock().raised(), 2u);
  EXPECT_EQ(clock().greatest_shift(), milliseconds(80));
}

TEST_F(VirtualClock, ValuesOfThreeNestedExchangesNeverDecreaseAndKeepTheirDifferences) {
  const std::vector<std::vector<int>> reads = {{10, 60}, {20, 50}, {30, 40}};
  for (std::uint64_t id = 1; id <= 3; ++id) {
    for (const int ms : reads[id - 1]) tell_read(id, ms);
  }
  std::vector<Moment> told;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const int first = reads[id - 1][0], last = reads[id - 1][1];
    clock().begin({id}, at(first));
    told.push_back(give(id, at(first)));
    told.push_back(give(id, at(last)));
    EXPECT_EQ(told.back() - told[told.size() - 2], milliseconds(last - first));
    clock().end({id});
  }
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(clock().raised(), 2u);
}

TEST_F(VirtualClock, FirstValueOfAnExchangeIsNotBehindWhatTheServiceSaw) {
  tell_read(2, 30);
  clock().begin({1}, at(0));
  give(1, at(45));
  clock().begin({2}, at(20));
  EXPECT_EQ(clock().shift(Context::of({2})), milliseconds(15));
}

TEST_F(VirtualClock, EachMonotonicClockHasItsOwnHistory) {
  tell_read(2, 30);
  clock().begin({1}, at(0));
  give(1, at(45), kRaw);
  clock().begin({2}, at(20));
  EXPECT_EQ(clock().shift(Context::of({2})), nanoseconds{0});
}

TEST_F(VirtualClock, WallClockRaisesNothing) {
  tell_read(2, 30, kRealtime);
  clock().begin({1}, at(0));
  give(1, at(45), kRealtime);
  clock().begin({2}, at(20));
  EXPECT_EQ(clock().raised(), 0u);
}

TEST_F(VirtualClock, WhatIsOutsideOfExchangesIsNotRaised) {
  clock().release(at(70), {}, kNever);
  clock().begin({1}, at(20));
  EXPECT_EQ(clock().shift(Context::background()), nanoseconds{0});
  EXPECT_EQ(clock().shift(Context::unattributed()), nanoseconds{0});
  clock().end({1});
  EXPECT_EQ(clock().shift(Context::of({1})), nanoseconds{0});
  EXPECT_EQ(clock().raised(), 1u);
}

}  // namespace
}  // namespace reprise::replayer
