// Turns a cart into an order: the service's one real job.
#ifndef EXAMPLES_CHECKOUT_CHECKOUT_H_
#define EXAMPLES_CHECKOUT_CHECKOUT_H_

#include <string>

#include "examples/checkout/audit_policy.h"
#include "examples/checkout/cart.h"
#include "examples/checkout/clock.h"
#include "examples/checkout/failure.h"
#include "examples/checkout/identifier.h"
#include "examples/checkout/order.h"
#include "examples/checkout/order_book.h"
#include "examples/checkout/payments.h"
#include "examples/checkout/stock.h"

namespace checkout {

/// Borrows what it works with, and is as thread-safe as that: not at all.
class Checkout {
 public:
  /// `warehouse_host` is the name FindWarehouse() is asked for.
  Checkout(Stock& stock, Payments& payments, OrderBook& orders, std::string warehouse_host);

  /// Sells `cart` to its customer at `now`. When it fails before money moved, the stock is as it
  /// was.
  [[nodiscard]] Result<Order> Place(const RequestId& request, const Cart& cart, WallTime now);

 private:
  [[nodiscard]] Result<Price> PriceOf(const Cart& cart, WallTime now);
  /// Reserves the items, then takes the money; without money nothing stays reserved.
  [[nodiscard]] Result<Charge> Sell(const Cart& cart, const OrderId& order, Cents due);
  /// The audit trail is best effort: an entry that cannot be written stops no sale.
  void Audit(CheckoutStep step, const OrderId& order);

  Stock& stock_;
  Payments& payments_;
  OrderBook& orders_;
  std::string warehouse_host_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_CHECKOUT_H_
