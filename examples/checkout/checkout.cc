#include "examples/checkout/checkout.h"

#include <fmt/format.h>

#include <utility>

#include "examples/checkout/log.h"
#include "examples/checkout/warehouse.h"

namespace checkout {
namespace {

std::string_view Name(CheckoutStep step) {
  return step == CheckoutStep::kReserved ? "reserved" : "charged";
}

}  // namespace

Checkout::Checkout(Stock& stock, Payments& payments, OrderBook& orders, std::string warehouse_host)
    : stock_(stock),
      payments_(payments),
      orders_(orders),
      warehouse_host_(std::move(warehouse_host)) {}

Result<Order> Checkout::Place(const RequestId& request, const Cart& cart, WallTime now) {
  const Result<Price> price = PriceOf(cart, now);
  if (!price) return tl::unexpected(price.error());
  Result<std::string> warehouse = FindWarehouse(warehouse_host_);
  if (!warehouse) return tl::unexpected(warehouse.error());

  const OrderId id = DrawOrderId();
  Result<Charge> charge = Sell(cart, id, price->Due());
  if (!charge) return tl::unexpected(charge.error());
  // From here on money has moved; this line is how a lost order is found again.
  LogLine(request, fmt::format("charged order={} charge={}", id.text, charge->id));

  const Result<int64_t> number = orders_.NextNumber();
  if (!number) return tl::unexpected(number.error());
  Order order{.id = id,
              .number = *number,
              .receipt = DrawReceiptCode(),
              .customer = cart.customer,
              .currency = cart.currency,
              .price = *price,
              .charge = *std::move(charge),
              .warehouse = *std::move(warehouse),
              .placed = ReadWallClock()};
  if (Result<void> saved = orders_.Save(order); !saved) return tl::unexpected(saved.error());
  return order;
}

Result<Price> Checkout::PriceOf(const Cart& cart, WallTime now) {
  if (Result<void> confirmed = stock_.ConfirmPrices(cart); !confirmed) {
    return tl::unexpected(confirmed.error());
  }
  Price price{.subtotal = Subtotal(cart.items), .discount = {0}};
  if (cart.coupon) {
    const Result<Coupon> coupon = stock_.FindCoupon(*cart.coupon);
    if (!coupon) return tl::unexpected(coupon.error());
    price.discount = Discount(price.subtotal, *coupon, now);
  }
  return price;
}

Result<Charge> Checkout::Sell(const Cart& cart, const OrderId& order, Cents due) {
  if (Result<void> reserved = stock_.Reserve(cart.items); !reserved) {
    return tl::unexpected(reserved.error());
  }
  Audit(CheckoutStep::kReserved, order);
  Result<Charge> charge = payments_.Capture(order, cart.customer, due, cart.currency);
  if (!charge) {
    const Result<void> released = stock_.Release(cart.items);
    return tl::unexpected(released ? charge.error() : released.error());
  }
  Audit(CheckoutStep::kCharged, order);
  return charge;
}

void Checkout::Audit(CheckoutStep step, const OrderId& order) {
  if (!IsAudited(step)) return;
  static_cast<void>(orders_.Audit(ReadWallClock(), Name(step), order));
}

}  // namespace checkout
