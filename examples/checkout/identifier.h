// Identifiers the service draws at random, each a type of its own.
#ifndef EXAMPLES_CHECKOUT_IDENTIFIER_H_
#define EXAMPLES_CHECKOUT_IDENTIFIER_H_

#include <string>

namespace checkout {

/// Names one HTTP request in the log and in the X-Request-Id header: 8 hexadecimal digits.
struct RequestId {
  std::string text;
};

/// Names an order: "ord_" and 16 hexadecimal digits. One read from a client is not checked.
struct OrderId {
  std::string text;
};

/// What the customer shows to collect an order: 8 hexadecimal digits.
struct ReceiptCode {
  std::string text;
};

/// Drawn with getrandom(2). Throws std::system_error when the kernel has no randomness to give.
[[nodiscard]] RequestId DrawRequestId();

/// Drawn from std::random_device, like ReceiptCode. Both throw what std::random_device throws.
[[nodiscard]] OrderId DrawOrderId();
[[nodiscard]] ReceiptCode DrawReceiptCode();

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_IDENTIFIER_H_
