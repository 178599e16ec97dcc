#include "replayer/live/course.h"

#include <gtest/gtest.h>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;

// The responses that each step of a course has to wait for.
std::vector<std::uint32_t> needs(const Course& course) {
  std::vector<std::uint32_t> all;
  for (const Step& step : course.steps) all.push_back(step.needs);
  return all;
}

TEST(CourseTest, ARequestNeedsTheResponsesThatTheClientHadBeforeIt) {
  ToldRecording recording;
  const auto client = recording.accept();
  recording.pause(milliseconds(5));
  for (const char* target : {"/1", "/2"}) {
    recording.answer(recording.begin(client, get(target)), ok("done"));
    recording.pause(milliseconds(5));
  }
  recording.receive_nothing(client, 0);
  const auto plan = recording.plan();
  const auto courses = lay_courses(*plan);
  ASSERT_EQ(courses.size(), 1u);
  EXPECT_EQ(needs(courses[0]), (std::vector<std::uint32_t>{0, 0, 1, 2}));
  EXPECT_EQ(courses[0].steps.front().kind, Step::Kind::kOpen);
  EXPECT_EQ(courses[0].steps.back().kind, Step::Kind::kEnd);
}

TEST(CourseTest, APipelinedRequestDoesNotWaitForTheOneBefore) {
  ToldRecording recording;
  const auto client = recording.accept();
  recording.pause(milliseconds(5));
  const auto first = recording.begin(client, get("/1"));
  recording.receive_nothing(client, EAGAIN);
  recording.pause(milliseconds(5));
  const auto second = recording.begin(client, get("/2"));
  recording.answer(first, ok("1"));
  recording.answer(second, ok("2"));
  recording.pause(milliseconds(5));
  const auto third = recording.begin(client, get("/3"));
  recording.answer(third, ok("3"));
  const auto plan = recording.plan();
  EXPECT_EQ(needs(lay_courses(*plan).at(0)), (std::vector<std::uint32_t>{0, 0, 0, 2}));
}

TEST(CourseTest, StepsKeepTheirMomentsAndBeginTheirExchanges) {
  ToldRecording recording;
  const auto client = recording.accept();
  recording.pause(milliseconds(5));
  const auto begun = recording.begin(client, get("/1"));
  const Moment sent = recording.now();
  recording.answer(begun, ok("1"));
  const auto plan = recording.plan();
  const Course course = lay_courses(*plan).at(0);
  ASSERT_EQ(course.steps.size(), 2u);
  EXPECT_GE(course.steps[1].at - course.steps[0].at, milliseconds(5));
  EXPECT_LE(course.steps[1].at, sent);
  EXPECT_EQ(course.steps[1].begins, 1u);
  EXPECT_EQ(course.steps[1].completes, 1u);
}

TEST(CourseTest, CountsTheExchangesThatWereAnsweredByAMoment) {
  ToldRecording recording;
  const auto client = recording.accept();
  recording.answer(recording.begin(client, get("/1")), ok("1"));
  const Moment between = recording.now();
  recording.pause(milliseconds(5));
  recording.answer(recording.begin(client, get("/2")), ok("2"));
  const auto plan = recording.plan();
  const Course course = lay_courses(*plan).at(0);
  EXPECT_EQ(answered_by(*plan, course, Moment{0}), 0u);
  EXPECT_EQ(answered_by(*plan, course, between), 1u);
  EXPECT_EQ(answered_by(*plan, course, recording.now()), 2u);
  EXPECT_TRUE(begins_after(course, between));
  EXPECT_FALSE(begins_after(course, recording.now()));
}

}  // namespace
}  // namespace reprise::replayer
