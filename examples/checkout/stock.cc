#include "examples/checkout/stock.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>

namespace checkout {
namespace {

std::string StockKey(const CartItem& item) { return fmt::format("stock:{}", item.sku); }

}  // namespace

Result<void> Stock::ConfirmPrices(const Cart& cart) {
  for (const CartItem& item : cart.items) {
    const Result<RedisReply> reply =
        redis_.Command({"HGET", fmt::format("sku:{}", item.sku), cart.currency});
    if (!reply) return tl::unexpected(reply.error());
    const std::optional<int64_t> price = ReplyNumber(**reply);
    if (!price) {
      return tl::unexpected(
          Failure{FailureKind::kUnknownProduct,
                  fmt::format("'{}' is not sold in {}", item.sku, cart.currency)});
    }
    if (Cents{*price} != item.price) {
      return tl::unexpected(Failure{
          FailureKind::kPriceChanged,
          fmt::format("'{}' costs {} cents now, not {}", item.sku, *price, item.price.value)});
    }
  }
  return {};
}

Result<Coupon> Stock::FindCoupon(std::string_view code) {
  const Result<RedisReply> reply =
      redis_.Command({"HMGET", fmt::format("coupon:{}", code), "percent", "expires"});
  if (!reply) return tl::unexpected(reply.error());
  const redisReply& fields = **reply;
  if (fields.type == REDIS_REPLY_ARRAY && fields.elements == 2) {
    const std::optional<int64_t> percent = ReplyNumber(*fields.element[0]);
    const std::optional<int64_t> expires = ReplyNumber(*fields.element[1]);
    if (percent && expires) return Coupon{*percent, WallTime(std::chrono::seconds(*expires))};
  }
  return tl::unexpected(
      Failure{FailureKind::kUnknownCoupon, fmt::format("there is no coupon '{}'", code)});
}

Result<void> Stock::Reserve(const std::vector<CartItem>& items) {
  std::vector<CartItem> taken;
  for (const CartItem& item : items) {
    const Result<int64_t> left =
        redis_.IntegerCommand({"DECRBY", StockKey(item), std::to_string(item.quantity)});
    if (left) taken.push_back(item);
    if (left && *left >= 0) continue;
    // Pieces that cannot be put back are lost to the shop, but never sold twice.
    const Result<void> released = Release(taken);
    if (!left) return tl::unexpected(left.error());
    if (!released) return released;
    return tl::unexpected(
        Failure{FailureKind::kOutOfStock,
                fmt::format("fewer than {} of '{}' are left", item.quantity, item.sku)});
  }
  return {};
}

Result<void> Stock::Release(const std::vector<CartItem>& items) {
  for (const CartItem& item : items) {
    const Result<int64_t> left =
        redis_.IntegerCommand({"INCRBY", StockKey(item), std::to_string(item.quantity)});
    if (!left) return tl::unexpected(left.error());
  }
  return {};
}

}  // namespace checkout
