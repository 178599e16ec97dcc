#include "examples/checkout/amount.h"

#include <gtest/gtest.h>

namespace checkout {
namespace {

TEST(AmountTest, ReadsWholeUnits) { EXPECT_EQ(ParseAmount("7 EUR"), Cents{700}); }

TEST(AmountTest, ReadsCentsWithAndWithoutTheirLastZero) {
  EXPECT_EQ(ParseAmount("12.5 EUR"), Cents{1250});
  EXPECT_EQ(ParseAmount("12.50 EUR"), Cents{1250});
  EXPECT_EQ(ParseAmount("0.83 USD"), Cents{83});
}

TEST(AmountTest, RoundsWhatADoubleCannotHoldToTheCent) {
  EXPECT_EQ(ParseAmount("1.15 EUR"), Cents{115});
  EXPECT_EQ(ParseAmount("1000000000.29 EUR"), Cents{100'000'000'029});
}

TEST(AmountTest, ReadsCredits) { EXPECT_EQ(ParseAmount("-3.2 EUR"), Cents{-320}); }

TEST(AmountTest, RefusesWhatIsNoNumber) {
  for (const char* text : {"", " ", "EUR", "EUR 5", ".", "-", "inf EUR", "nan EUR"}) {
    EXPECT_FALSE(ParseAmount(text)) << text;
  }
}

TEST(AmountTest, RefusesMoreThanItCanCount) {
  EXPECT_FALSE(ParseAmount("1000000000001 EUR"));
  EXPECT_FALSE(ParseAmount("99999999999999999999999999 EUR"));
}

TEST(AmountTest, WritesTwoDecimals) {
  EXPECT_EQ(FormatAmount({1250}, "EUR"), "12.50 EUR");
  EXPECT_EQ(FormatAmount({5}, "USD"), "0.05 USD");
  EXPECT_EQ(FormatAmount({-5}, "USD"), "-0.05 USD");
}

TEST(AmountTest, ReadsWhatItWrites) {
  for (const int64_t cents : {0, 1, 99, 100, 101, 1999, 100'000'000}) {
    EXPECT_EQ(ParseAmount(FormatAmount({cents}, "EUR")), Cents{cents});
  }
}

}  // namespace
}  // namespace checkout
