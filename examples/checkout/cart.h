// What a customer asks to buy: the body of POST /checkout.
#ifndef EXAMPLES_CHECKOUT_CART_H_
#define EXAMPLES_CHECKOUT_CART_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "examples/checkout/cents.h"
#include "examples/checkout/failure.h"

namespace checkout {

struct CartItem {
  std::string sku;
  /// From 1 to 1000.
  int64_t quantity = 0;
  /// The price of one piece the customer was shown.
  Cents price;
};

struct Cart {
  std::string id;
  std::string customer;
  /// Three capital letters (ISO 4217).
  std::string currency;
  std::optional<std::string> coupon;
  /// From 1 to 100 of them.
  std::vector<CartItem> items;
};

/// Reads
///   {"cart": "c-1", "customer": "u-7", "currency": "EUR", "coupon": "SPRING10",
///    "items": [{"sku": "tea-250", "quantity": 2, "price_cents": 790}]}
/// where "coupon" may be missing. Fails with kInvalidCart, naming the first member that is wrong.
[[nodiscard]] Result<Cart> ParseCart(std::string_view json);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_CART_H_
