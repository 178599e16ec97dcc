// What the shop has to sell, and the coupons it gave out. Kept in Redis:
//   sku:SKU        hash, one price in cents a currency:  EUR -> 790
//   stock:SKU      number of pieces that nobody has reserved
//   coupon:CODE    hash: percent -> 10, expires -> seconds since 1970
#ifndef EXAMPLES_CHECKOUT_STOCK_H_
#define EXAMPLES_CHECKOUT_STOCK_H_

#include <string_view>
#include <vector>

#include "examples/checkout/cart.h"
#include "examples/checkout/failure.h"
#include "examples/checkout/pricing.h"
#include "examples/checkout/redis_connection.h"

namespace checkout {

/// Borrows its connection, and is as thread-safe as that: not at all. Whatever Redis does not
/// answer is kDependencyUnavailable.
class Stock {
 public:
  explicit Stock(RedisConnection& redis) : redis_(redis) {}

  /// Checks that the shop still asks the price the customer was shown, for every item.
  /// kUnknownProduct, kPriceChanged.
  [[nodiscard]] Result<void> ConfirmPrices(const Cart& cart);

  /// kUnknownCoupon.
  [[nodiscard]] Result<Coupon> FindCoupon(std::string_view code);

  /// Takes all items out of the stock, or none of them. kOutOfStock.
  [[nodiscard]] Result<void> Reserve(const std::vector<CartItem>& items);

  /// Puts items that were reserved back.
  [[nodiscard]] Result<void> Release(const std::vector<CartItem>& items);

 private:
  RedisConnection& redis_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_STOCK_H_
