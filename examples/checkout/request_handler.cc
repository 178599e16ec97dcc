#include "examples/checkout/request_handler.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "examples/checkout/cart.h"
#include "examples/checkout/log.h"

namespace checkout {
namespace {

constexpr std::string_view kOrders = "/orders/";

std::string ErrorJson(std::string_view error, std::string_view message) {
  const nlohmann::ordered_json json = {{"error", error}, {"message", message}};
  // Messages may quote bytes that came from outside.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

struct FailureStyle {
  int status;
  std::string_view error;
};

FailureStyle StyleOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::kInvalidCart:
      return {400, "invalid_cart"};
    case FailureKind::kUnknownProduct:
      return {422, "unknown_product"};
    case FailureKind::kPriceChanged:
      return {409, "price_changed"};
    case FailureKind::kUnknownCoupon:
      return {422, "unknown_coupon"};
    case FailureKind::kOutOfStock:
      return {409, "out_of_stock"};
    case FailureKind::kPaymentDeclined:
      return {402, "payment_declined"};
    case FailureKind::kUnknownOrder:
      return {404, "unknown_order"};
    case FailureKind::kDependencyUnavailable:
      return {503, "dependency_unavailable"};
  }
  return {500, "internal"};
}

}  // namespace

HttpAnswer RequestHandler::Handle(const HttpRequest& request) {
  const WallTime arrived = ReadWallClock();
  const MonotonicTime started = ReadMonotonicClock();
  const RequestId id = DrawRequestId();
  Outcome outcome = Route(request, id, arrived);
  outcome.body += '\n';

  const WallTime finished = ReadWallClock();
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(ReadMonotonicClock() - started);
  LogLine(id, fmt::format("{} {} {} {} us={}", FormatTimestamp(finished), request.method,
                          request.target, outcome.status, took.count()));
  return {outcome.status, id, finished, std::move(outcome.body)};
}

RequestHandler::Outcome RequestHandler::Route(const HttpRequest& request, const RequestId& id,
                                              WallTime now) {
  try {
    if (request.target == "/checkout") {
      if (request.method != "POST") return {405, ErrorJson("method", "use POST")};
      const Result<Cart> cart = ParseCart(request.body);
      if (!cart) return FailureOutcome(cart.error());
      return OrderOutcome(201, checkout_.Place(id, *cart, now));
    }
    if (request.target.starts_with(kOrders)) {
      if (request.method != "GET") return {405, ErrorJson("method", "use GET")};
      return OrderOutcome(200, orders_.Find({std::string(request.target.substr(kOrders.size()))}));
    }
    if (request.target == "/health") return {200, R"({"status":"up"})"};
    return {404, ErrorJson("target", "use /checkout, /orders/ID or /health")};
  } catch (const std::exception& thrown) {
    // Memory and randomness can run out; that ends the request, not the service.
    return {500, ErrorJson("internal", thrown.what())};
  }
}

RequestHandler::Outcome RequestHandler::OrderOutcome(int status, const Result<Order>& order) {
  if (!order) return FailureOutcome(order.error());
  return {status, ToJson(*order)};
}

RequestHandler::Outcome RequestHandler::FailureOutcome(const Failure& failure) {
  const FailureStyle style = StyleOf(failure.kind);
  return {style.status, ErrorJson(style.error, failure.message)};
}

}  // namespace checkout
