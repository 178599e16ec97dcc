#include "examples/checkout/pricing.h"

namespace checkout {

Cents Subtotal(const std::vector<CartItem>& items) {
  Cents sum;
  for (const CartItem& item : items) sum = sum + item.price * item.quantity;
  return sum;
}

Cents Discount(Cents subtotal, const Coupon& coupon, WallTime now) {
  if (now >= coupon.expires) return {0};
  return {subtotal.value * coupon.percent / 100};
}

}  // namespace checkout
