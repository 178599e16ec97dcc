// From an HTTP request to an HTTP answer, without the HTTP library.
#ifndef EXAMPLES_CHECKOUT_REQUEST_HANDLER_H_
#define EXAMPLES_CHECKOUT_REQUEST_HANDLER_H_

#include <string>
#include <string_view>

#include "examples/checkout/checkout.h"
#include "examples/checkout/clock.h"
#include "examples/checkout/failure.h"
#include "examples/checkout/identifier.h"
#include "examples/checkout/order_book.h"

namespace checkout {

/// Valid during RequestHandler::Handle() only.
struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view body;
};

struct HttpAnswer {
  int status = 200;
  RequestId request;
  /// When the answer was ready; the Date header.
  WallTime date;
  /// JSON, with a line feed at its end.
  std::string body;
};

/// Serves
///   POST /checkout      a cart (see cart.h); 201 and the order
///   GET  /orders/ID     200 and the order
///   GET  /health        200
/// Every failure is {"error": KIND, "message": TEXT}. Blocks while the dependencies answer. Borrows
/// what it works with, and is as thread-safe as that: not at all.
class RequestHandler {
 public:
  RequestHandler(Checkout& checkout, OrderBook& orders) : checkout_(checkout), orders_(orders) {}

  [[nodiscard]] HttpAnswer Handle(const HttpRequest& request);

 private:
  struct Outcome {
    int status;
    std::string body;
  };

  [[nodiscard]] Outcome Route(const HttpRequest& request, const RequestId& id, WallTime now);
  [[nodiscard]] static Outcome OrderOutcome(int status, const Result<Order>& order);
  [[nodiscard]] static Outcome FailureOutcome(const Failure& failure);

  Checkout& checkout_;
  OrderBook& orders_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_REQUEST_HANDLER_H_
