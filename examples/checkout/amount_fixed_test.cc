// What the build with CHECKOUT_FIXED reads and the other one does not. The e2e test
// checkout_test.py shows what comes of it.
#include <gtest/gtest.h>

#include "examples/checkout/amount.h"

namespace checkout {
namespace {

TEST(AmountFixedTest, ReadsTensThatLostTheirZerosToAnExponent) {
  EXPECT_EQ(ParseAmount("1E+1 EUR"), Cents{1000});
  EXPECT_EQ(ParseAmount("1.2E+2 EUR"), Cents{12'000});
}

TEST(AmountFixedTest, ACurrencyThatBeginsWithEIsNoExponent) {
  EXPECT_EQ(ParseAmount("5 EUR"), Cents{500});
  EXPECT_EQ(ParseAmount("5EUR"), Cents{500});
}

}  // namespace
}  // namespace checkout
