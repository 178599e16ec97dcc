// An order that was paid.
#ifndef EXAMPLES_CHECKOUT_ORDER_H_
#define EXAMPLES_CHECKOUT_ORDER_H_

#include <cstdint>
#include <string>

#include "examples/checkout/cents.h"
#include "examples/checkout/charge.h"
#include "examples/checkout/clock.h"
#include "examples/checkout/identifier.h"
#include "examples/checkout/pricing.h"

namespace checkout {

struct Order {
  OrderId id;
  /// Counts the shop's orders from 1.
  int64_t number = 0;
  ReceiptCode receipt;
  std::string customer;
  std::string currency;
  Price price;
  Charge charge;
  /// Numeric address.
  std::string warehouse;
  WallTime placed;

  /// What the customer pays.
  [[nodiscard]] Cents Total() const { return price.Due() + charge.fee; }
};

/// The order as the service's JSON answers show it.
[[nodiscard]] std::string ToJson(const Order& order);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_ORDER_H_
