// The orders the shop took. Kept in Redis:
//   order:ID         hash, one field a member of Order; the charge as the payments API described it
//   orders:count     number of orders, also the number of the latest one
//   orders:audit     sorted set by time: "reserved ord_…" -> seconds since 1970
#ifndef EXAMPLES_CHECKOUT_ORDER_BOOK_H_
#define EXAMPLES_CHECKOUT_ORDER_BOOK_H_

#include <cstdint>
#include <string_view>

#include "examples/checkout/failure.h"
#include "examples/checkout/order.h"
#include "examples/checkout/redis_connection.h"

namespace checkout {

/// Borrows its connection, and is as thread-safe as that: not at all. Whatever Redis does not
/// answer is kDependencyUnavailable.
class OrderBook {
 public:
  explicit OrderBook(RedisConnection& redis) : redis_(redis) {}

  /// The number for one more order.
  [[nodiscard]] Result<int64_t> NextNumber();

  [[nodiscard]] Result<void> Save(const Order& order);

  /// kUnknownOrder.
  [[nodiscard]] Result<Order> Find(const OrderId& id);

  /// Notes that `order` reached `step` at `time`.
  [[nodiscard]] Result<void> Audit(WallTime time, std::string_view step, const OrderId& order);

 private:
  RedisConnection& redis_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_ORDER_BOOK_H_
