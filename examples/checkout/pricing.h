// What a cart costs before the payment's own fee. Pure: the time and the catalogue come from
// outside.
#ifndef EXAMPLES_CHECKOUT_PRICING_H_
#define EXAMPLES_CHECKOUT_PRICING_H_

#include "examples/checkout/cart.h"
#include "examples/checkout/cents.h"
#include "examples/checkout/clock.h"

namespace checkout {

/// Takes a percentage off a cart until it expires.
struct Coupon {
  /// From 0 to 100.
  int64_t percent = 0;
  WallTime expires;
};

struct Price {
  Cents subtotal;
  /// What the coupon takes off; not negative.
  Cents discount;

  [[nodiscard]] Cents Due() const { return subtotal - discount; }
};

/// The sum of the items' prices.
[[nodiscard]] Cents Subtotal(const std::vector<CartItem>& items);

/// What `coupon` takes off `subtotal` at `now`, rounded down to a cent: nothing once it has
/// expired.
[[nodiscard]] Cents Discount(Cents subtotal, const Coupon& coupon, WallTime now);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_PRICING_H_
