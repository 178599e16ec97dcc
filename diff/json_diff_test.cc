#include "diff/json_diff.h"

#include <gtest/gtest.h>

namespace reprise::diff {
namespace {

// "where kind base -> candidate", one a line.
std::string differences_of(const std::string& base, const std::string& candidate) {
  Differences differences;
  const auto one = protocol::parse_json(base), other = protocol::parse_json(candidate);
  if (!one || !other) return "not JSON";
  compare_json(*one, *other, "$", differences);
  std::string text;
  for (const Difference& difference : differences) {
    text += difference.where + " " + kind_text(difference.kind) + " " +
            (difference.base ? difference.base->text : "none") + " -> " +
            (difference.candidate ? difference.candidate->text : "none") + "\n";
  }
  return text;
}

TEST(JsonDiff, EqualValuesDoNotDiffer) {
  EXPECT_EQ(differences_of(R"({"a": 1, "b": [true, null]})", R"({"b":[true,null],"a":1.0})"), "");
}

TEST(JsonDiff, TellsPathAndBothValues) {
  EXPECT_EQ(differences_of(R"({"items": [{"p": 1}, {"p": 2}, {"p": 3}]})",
                           R"({"items": [{"p": 1}, {"p": 2}, {"p": 4}]})"),
            "$.items[2].p changed 3 -> 4\n");
}

TEST(JsonDiff, NumbersAreExact) {
  EXPECT_EQ(differences_of("[9007199254740993]", "[9007199254740992]"),
            "$[0] changed 9007199254740993 -> 9007199254740992\n");
  EXPECT_EQ(differences_of("[0.1]", "[0.10000000000000001]"),
            "$[0] changed 0.1 -> 0.10000000000000001\n");
  EXPECT_EQ(differences_of("[1e2]", "[100]"), "");
}

TEST(JsonDiff, MembersAreMissingExtraOrOfAnotherType) {
  EXPECT_EQ(differences_of(R"({"a": 1, "b": 1, "c": null})", R"({"a": "1", "c": {}, "d": [2]})"),
            "$.a type 1 -> \"1\"\n"
            "$.b missing 1 -> none\n"
            "$.c type null -> {}\n"
            "$.d extra none -> [2]\n");
}

TEST(JsonDiff, NamesThatAreNoWordsAreQuotedAndRepeatedOnesNumbered) {
  EXPECT_EQ(differences_of(R"({"a b": 1, "x": 1, "x": 2})", R"({"a b": 2, "x": 1, "x": 3})"),
            "$[\"a b\"] changed 1 -> 2\n"
            "$.x#2 changed 2 -> 3\n");
}

TEST(JsonDiff, OneInsertedElementIsOneDifference) {
  EXPECT_EQ(differences_of("[1, 2, 3, 4]", "[1, 9, 2, 3, 4]"), "$[1] extra none -> 9\n");
  EXPECT_EQ(differences_of("[1, 2, 3, 4]", "[2, 3, 4]"), "$[0] missing 1 -> none\n");
}

// An element that was inserted next to one that changed is told apart from it.
TEST(JsonDiff, ChangedElementIsPairedWithItsOldSelf) {
  EXPECT_EQ(differences_of(R"([{"sku": "tea", "price": 3}])",
                           R"([{"sku": "cup", "price": 9}, {"sku": "tea", "price": 4}])"),
            "$[0] extra none -> {\"sku\":\"cup\",\"price\":9}\n"
            "$[0].price changed 3 -> 4\n");
}

TEST(JsonDiff, LargeArrayWithOneChangeIsOneDifference) {
  std::string base = "[0", candidate = "[0";
  for (int i = 1; i < 10'000; ++i) {
    base += "," + std::to_string(i);
    candidate += "," + std::to_string(i == 7'000 ? -1 : i);
  }
  EXPECT_EQ(differences_of(base + "]", candidate + "]"), "$[7000] changed 7000 -> -1\n");
}

TEST(JsonDiff, RootsOfDifferentTypes) {
  EXPECT_EQ(differences_of("[1]", "{}"), "$ type [1] -> {}\n");
}

}  // namespace
}  // namespace reprise::diff
