#include "examples/checkout/pricing.h"

#include <gtest/gtest.h>

namespace checkout {
namespace {

using std::chrono::microseconds;

constexpr WallTime kExpiry{microseconds(1'000'000)};

TEST(PricingTest, SumsPricesTimesQuantities) {
  const std::vector<CartItem> items = {{.sku = "tea-250", .quantity = 2, .price = {790}},
                                       {.sku = "pot", .quantity = 1, .price = {3495}}};
  EXPECT_EQ(Subtotal(items), Cents{5075});
}

TEST(PricingTest, TakesThePercentageOffAndRoundsDown) {
  EXPECT_EQ(Discount({999}, {.percent = 10, .expires = kExpiry}, WallTime{}), Cents{99});
}

TEST(PricingTest, ACouponEndsAtItsExpiryToTheMicrosecond) {
  const Coupon coupon{.percent = 10, .expires = kExpiry};
  EXPECT_EQ(Discount({1000}, coupon, kExpiry - microseconds(1)), Cents{100});
  EXPECT_EQ(Discount({1000}, coupon, kExpiry), Cents{0});
}

TEST(PricingTest, TheCustomerPaysTheSubtotalLessTheDiscount) {
  const Price price{.subtotal = {1000}, .discount = {100}};
  EXPECT_EQ(price.Due(), Cents{900});
}

}  // namespace
}  // namespace checkout
