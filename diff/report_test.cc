// The report against approved texts in testdata/. After a change that is meant:
//
//     APPROVE=1 bazel run //diff:report_test
//
// writes them anew; look at `git diff diff/testdata` before the commit.
#include "diff/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "diff/difference_json.h"

namespace reprise::diff {
namespace {

// A letter for the tone, then the line.
std::string printed(const std::vector<Line>& lines) {
  static constexpr char kLetters[] = ".HRGW-+";
  std::string text;
  for (const Line& line : lines) {
    text += std::string(1, kLetters[static_cast<std::size_t>(line.tone)]) + " " + line.text + "\n";
  }
  return text;
}

void expect_approved(const std::string& name, const std::string& actual) {
  const std::string path = "diff/testdata/" + name + ".txt";
  const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (std::getenv("APPROVE") != nullptr && workspace != nullptr) {
    std::ofstream(std::string(workspace) + "/" + path) << actual;
    return;
  }
  std::ifstream file(path);
  std::stringstream approved;
  approved << file.rdbuf();
  ASSERT_TRUE(file) << path << " is missing";
  EXPECT_EQ(approved.str(), actual);
}

Content json(const std::string& text) { return {text, true}; }

Difference price(const std::string& base, const std::string& candidate) {
  return {"response.body.$.items[2].price", Kind::kChanged, json(base), json(candidate)};
}

TEST(Report, NothingDiffers) {
  Report report;
  EXPECT_TRUE(report.empty());
  EXPECT_FALSE(report.first());
  expect_approved("nothing_differs",
                  printed(report.lines({.same = 400, .incomplete = 1},
                                       Alignment::Kind::kRecordedConnection, true, {})));
}

TEST(Report, WhatWasLeftOutIsSaidOnce) {
  const auto lines = Report().lines({.same = 1, .not_replayed = 399},
                                    Alignment::Kind::kRecordedConnection, true, {});
  EXPECT_EQ(printed(lines),
            "G 1 exchange: 1 same; nothing differs\n"
            "R 399 exchanges were not replayed (replay --only), nor compared\n");
}

TEST(Report, AlikeDifferencesAreShownOnceAndTheWeightiestFirst) {
  Report report;
  for (std::uint64_t id = 1; id <= 37; ++id) {
    Difference date = changed("response.header.Date", "Mon", "Tue");
    report.add({{id}, {id}, "GET /cart", {date}});
  }
  report.add({{50},
              {51},
              "POST /checkout",
              {price("19.99", "21.99"), changed("response.status", "200", "500")}});
  // The same places under other numbers.
  report.add({{60},
              {60},
              "POST /checkout",
              {{"response.body.$.items[0].price", Kind::kChanged, json("1"), json("2")},
               changed("response.status", "200", "500")}});
  report.add({{70}, {}, "GET /gone", {missing("exchange", "GET /gone -> 200")}});
  report.add({{}, {71}, "GET /new", {extra("exchange", "GET /new -> 200")}});
  report.add({{}, {}, "background calls", {extra("background.call[3]", "PING at redis:6379")}});
  report.add({{}, {}, "exit", {changed("exit", "signal 11 (SIGSEGV)", "code 0")}});
  EXPECT_EQ(report.first().value, 70u);
  expect_approved("groups", printed(report.lines({360, 39, 1, 1, 0},
                                                 Alignment::Kind::kRecordedConnection, true, {})));
}

TEST(Report, IsNotLongerThanItsLimits) {
  Report report;
  for (std::uint64_t id = 1; id <= 5; ++id) {
    Differences differences;
    for (int i = 0; i < 9; ++i) {
      differences.push_back(
          changed("response.header.X-" + std::to_string(id) + "-" + std::to_string(i), "a", "b"));
    }
    report.add({{id}, {id}, "GET /", differences});
  }
  expect_approved("limits", printed(report.lines({.differ = 5}, Alignment::Kind::kMethodAndTarget,
                                                 false, {.groups = 2, .differences = 3})));
}

TEST(DifferenceJson, NumbersAreWrittenAsTheyWereSent) {
  const auto lines = difference_lines_json(
      {{7}, {8}, "GET /", {price("1.10", "9007199254740993"), missing("call[0]", "a \"b\"\xff")}});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0],
            "{\"exchange\": 7, \"where\": \"response.body.$.items[2].price\", \"kind\": "
            "\"changed\", \"base\": 1.10, \"candidate\": 9007199254740993}");
  EXPECT_EQ(lines[1],
            "{\"exchange\": 7, \"where\": \"call[0]\", \"kind\": \"missing\", \"base\": \"a "
            "\\\"b\\\"\xef\xbf\xbd\", \"candidate\": null}");
}

TEST(DifferenceJson, OutsideExchangesThereIsNone) {
  const auto lines = difference_lines_json({{}, {}, "exit", {changed("exit", "code 0", "code 1")}});
  EXPECT_TRUE(lines[0].starts_with("{\"exchange\": null, \"where\": \"exit\""));
}

}  // namespace
}  // namespace reprise::diff
