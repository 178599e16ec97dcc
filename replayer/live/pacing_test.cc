#include "replayer/live/pacing.h"

#include <gtest/gtest.h>

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kNow{seconds(100)};

Step request_at(Moment at) { return {.kind = Step::Kind::kChunk, .at = at, .begins = 1}; }

// So many clients, each of which connects a second after the one before and asks at once.
std::vector<Course> clients(std::int64_t count) {
  std::vector<Course> courses;
  for (std::int64_t i = 0; i < count; ++i) {
    const Moment at{i * 1'000'000'000};
    courses.push_back({nullptr, {{.kind = Step::Kind::kOpen, .at = at}, request_at(at)}});
  }
  return courses;
}

// How many courses begin while so many are under way.
std::uint64_t begins(Pacing& pacing, std::size_t running) {
  std::uint64_t begun = 0;
  while (pacing.next_begin(kNow, running + begun) && begun < 100) {
    (void)pacing.begin();
    ++begun;
  }
  return begun;
}

TEST(LiveTimeTest, PassesSoManyTimesAsFast) {
  const LiveTime time(Moment{500}, kNow, 4);
  EXPECT_EQ(time.at(kNow + milliseconds(10)), Moment{500} + milliseconds(40));
  EXPECT_EQ(time.when(Moment{500} + milliseconds(40)), kNow + milliseconds(10));
}

TEST(TimedPacingTest, OffsetsFromTheFirstInputAreDividedByTheSpeed) {
  const auto courses = clients(3);
  const auto pacing = pace_timed(courses, LiveTime(Moment{0}, kNow, 2));
  EXPECT_EQ(pacing->next_begin(kNow, 0), kNow);
  (void)pacing->begin();
  EXPECT_EQ(pacing->next_begin(kNow, 1), kNow + milliseconds(500));
  EXPECT_EQ(pacing->due(request_at(Moment{300'000'000}), kNow + seconds(9)),
            kNow + milliseconds(150));
}

TEST(TimedPacingTest, ClientsBeginHoweverManyAreUnderWay) {
  const auto courses = clients(3);
  const auto pacing = pace_timed(courses, LiveTime(Moment{0}, kNow, 1));
  EXPECT_EQ(begins(*pacing, 50), 3u);
  EXPECT_EQ(pacing->next_begin(kNow, 0), std::nullopt);
}

TEST(LoadPacingTest, SoManyClientsAreUnderWayAtOnce) {
  const auto courses = clients(10);
  const auto pacing = pace_load(courses, {.concurrency = 4}, kNow);
  EXPECT_EQ(begins(*pacing, 0), 4u);
  EXPECT_EQ(pacing->next_begin(kNow, 4), std::nullopt);
  EXPECT_EQ(pacing->next_begin(kNow, 3), kNow);
}

TEST(LoadPacingTest, TheRecordingIsGoneThroughOnce) {
  const auto courses = clients(3);
  const auto pacing = pace_load(courses, {.concurrency = 8}, kNow);
  EXPECT_EQ(begins(*pacing, 0), 3u);
  EXPECT_EQ(pacing->next_begin(kNow, 0), std::nullopt);
  EXPECT_EQ(pacing->passes(), 1u);
}

TEST(LoadPacingTest, ItIsGoneThroughAgainUntilSoManyRequestsWereSent) {
  const auto courses = clients(3);
  const auto pacing = pace_load(courses, {.concurrency = 1, .requests = 7}, kNow);
  std::uint64_t sent = 0;
  while (pacing->next_begin(kNow, 0)) {
    const Course& course = pacing->begin();
    for (const Step& step : course.steps) {
      const auto due = pacing->due(step, kNow);
      ASSERT_EQ(due, kNow);
      sent += step.begins;
    }
  }
  EXPECT_EQ(sent, 7u);
  EXPECT_EQ(pacing->passes(), 3u);
  EXPECT_EQ(pacing->due(request_at(Moment{0}), kNow), std::nullopt);
}

TEST(LoadPacingTest, AfterItsDurationNothingBegins) {
  const auto courses = clients(3);
  const auto pacing = pace_load(courses, {.concurrency = 1, .duration = seconds(1)}, kNow);
  EXPECT_TRUE(pacing->next_begin(kNow + milliseconds(999), 0));
  EXPECT_FALSE(pacing->next_begin(kNow + seconds(1), 0));
  EXPECT_EQ(pacing->due(request_at(Moment{0}), kNow + seconds(1)), std::nullopt);
}

TEST(LoadPacingTest, WithARateARequestIsDueAtItsPlaceHoweverLateItCanGo) {
  const auto courses = clients(3);
  const auto pacing = pace_load(courses, {.concurrency = 1, .rate = 100}, kNow);
  const Step request = request_at(Moment{0});
  EXPECT_EQ(pacing->due(request, kNow), kNow);
  EXPECT_EQ(pacing->due(request, kNow), kNow + milliseconds(10));
  EXPECT_EQ(pacing->due(request, kNow + seconds(5)), kNow + milliseconds(20));
}

}  // namespace
}  // namespace reprise::replayer
