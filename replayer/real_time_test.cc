#include "replayer/real_time.h"

#include <gtest/gtest.h>

namespace reprise::replayer {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(RealTime, SkippedSilenceTakesNone) {
  const RealTime::Clock::time_point start{};
  RealTime time(false, start);
  EXPECT_EQ(time.left(hours(1), start), nanoseconds{0});
  time.released(hours(1), start);
  EXPECT_EQ(time.skipped(), hours(1));
  EXPECT_EQ(time.waited(), nanoseconds{0});
}

TEST(RealTime, SilenceIsMeasuredFromTheReleaseBefore) {
  const RealTime::Clock::time_point start{};
  RealTime time(true, start);
  EXPECT_EQ(time.left(seconds(10), start + seconds(4)), seconds(6));
  EXPECT_EQ(time.left(seconds(10), start + seconds(12)), nanoseconds{0});
  time.released(seconds(10), start + seconds(12));
  EXPECT_EQ(time.left(seconds(3), start + seconds(13)), seconds(2));
  EXPECT_EQ(time.waited(), seconds(10));
  EXPECT_EQ(time.skipped(), nanoseconds{0});
}

TEST(RealTime, ReleasesAreDueWhenTheRecordingHadThem) {
  Board board;
  board.now = {100};
  board.unit = {{500}, true, true};
  board.deadline = {300};
  board.step = {50};
  EXPECT_EQ(due_of(Release::kUnit, board), Moment{500});
  EXPECT_EQ(due_of(Release::kDeadline, board), Moment{300});
  EXPECT_EQ(due_of(Release::kStep, board), Moment{100});  // overdue
  EXPECT_EQ(due_of(Release::kUnitEarly, board), Moment{100});
  EXPECT_EQ(due_of(Release::kGiveUp, board), Moment{100});
}

}  // namespace
}  // namespace reprise::replayer
