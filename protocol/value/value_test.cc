#include "protocol/value/value.h"

#include <gtest/gtest.h>

#include <string>

namespace reprise::protocol {
namespace {

Value parsed(std::string_view text) {
  const auto value = parse_json(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Value{});
}

TEST(JsonTest, NumbersStayTheTextThatWasSent) {
  const Value value = parsed("[9007199254740993,0.10000000000000000001,18446744073709551616,1E+2]");
  EXPECT_EQ(value.children[0].text, "9007199254740993");
  EXPECT_EQ(value.children[1].text, "0.10000000000000000001");
  EXPECT_EQ(value.children[2].text, "18446744073709551616");
  EXPECT_EQ(value.children[3].text, "1E+2");
}

TEST(JsonTest, MembersKeepOrderAndRepeatedNames) {
  EXPECT_EQ(to_json(parsed(R"( {"b":1, "a":[true,null,"x\ny\u0001"], "b":2} )")),
            R"({"b":1,"a":[true,null,"x\ny\u0001"],"b":2})");
}

TEST(JsonTest, WhatIsNotJsonAsAWholeIsRefused) {
  for (const char* text : {"", "{", "{} x", "[1,]", "nul", "\"\xff\"", "{\"a\":1,}", "01", "NaN"}) {
    EXPECT_FALSE(parse_json(text).has_value()) << text;
  }
}

TEST(JsonTest, NestingBombIsRefused) {
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')).has_value());
  EXPECT_FALSE(parse_json(std::string(513, '[') + std::string(513, ']')).has_value());
  EXPECT_TRUE(parse_json(std::string(512, '[') + std::string(512, ']')).has_value());
}

TEST(SameNumberTest, ComparesDecimalsExactly) {
  EXPECT_TRUE(same_number("1", "1.0"));
  EXPECT_TRUE(same_number("100", "1e2"));
  EXPECT_TRUE(same_number("10e-1", "1.000E0"));
  EXPECT_TRUE(same_number("-0.0", "0"));
  EXPECT_TRUE(same_number("0.00120", "12e-4"));
  EXPECT_FALSE(same_number("9007199254740993", "9007199254740992"));
  EXPECT_FALSE(same_number("0.1", "0.10000000000000001"));
  EXPECT_FALSE(same_number("1", "-1"));
  EXPECT_FALSE(same_number("1", "10"));
  EXPECT_FALSE(same_number("1e99999999999999999999", "1e99999999999999999998"));
  EXPECT_FALSE(same_number("nan", "inf"));
}

TEST(SameValueTest, OrderOfMembersDoesNotMatterAndThatOfElementsDoes) {
  const auto same = [](std::string_view a, std::string_view b) {
    const bool equal = same_value(parsed(a), parsed(b));
    if (equal) {
      EXPECT_EQ(hash_value(parsed(a)), hash_value(parsed(b)));
    }
    return equal;
  };
  EXPECT_TRUE(same(R"({"a":1,"b":{"c":[1,2],"d":1.50}})", R"({"b":{"d":1.5,"c":[1.0,2]},"a":1})"));
  EXPECT_FALSE(same(R"({"a":1,"b":2})", R"({"a":2,"b":1})"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
  EXPECT_FALSE(same(R"("1")", "1"));
  EXPECT_FALSE(same("null", "false"));
  EXPECT_TRUE(same(R"({"a":1,"a":2})", R"({"a":2,"a":1})"));
  EXPECT_FALSE(same(R"({"a":1,"a":1})", R"({"a":2,"a":1})"));
}

TEST(ValueTest, MembersAreFoundByName) {
  const Value value = parsed(R"({"a":1,"b":2})");
  ASSERT_NE(value.member("b"), nullptr);
  EXPECT_EQ(value.member("b")->text, "2");
  EXPECT_EQ(value.member("c"), nullptr);
}

}  // namespace
}  // namespace reprise::protocol
