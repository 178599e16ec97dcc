#include "examples/checkout/order_book.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>
#include <system_error>
#include <utility>

namespace checkout {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

std::string OrderKey(const OrderId& id) { return fmt::format("order:{}", id.text); }

// HGETALL's reply: names and values in turn.
Fields ReadFields(const redisReply& reply) {
  Fields fields;
  if (reply.type != REDIS_REPLY_ARRAY) return fields;
  for (size_t i = 0; i + 1 < reply.elements; i += 2) {
    std::optional<std::string> name = ReplyText(*reply.element[i]);
    std::optional<std::string> value = ReplyText(*reply.element[i + 1]);
    if (name && value) fields.emplace(*std::move(name), *std::move(value));
  }
  return fields;
}

std::string Text(const Fields& fields, std::string_view name) {
  const auto field = fields.find(name);
  return field == fields.end() ? std::string() : field->second;
}

int64_t Number(const Fields& fields, std::string_view name) {
  const std::string text = Text(fields, name);
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Result<int64_t> OrderBook::NextNumber() { return redis_.IntegerCommand({"INCR", "orders:count"}); }

Result<void> OrderBook::Save(const Order& order) {
  const std::string placed = std::to_string(order.placed.time_since_epoch().count());
  const Result<int64_t> added =
      redis_.IntegerCommand({"HSET",           OrderKey(order.id),                          //
                             "number",         std::to_string(order.number),                //
                             "receipt",        order.receipt.text,                          //
                             "customer",       order.customer,                              //
                             "currency",       order.currency,                              //
                             "subtotal_cents", std::to_string(order.price.subtotal.value),  //
                             "discount_cents", std::to_string(order.price.discount.value),  //
                             "charge",         order.charge.document,                       //
                             "warehouse",      order.warehouse,                             //
                             "placed_us",      placed});
  if (!added) return tl::unexpected(added.error());
  return {};
}

Result<Order> OrderBook::Find(const OrderId& id) {
  const Result<RedisReply> reply = redis_.Command({"HGETALL", OrderKey(id)});
  if (!reply) return tl::unexpected(reply.error());
  const Fields fields = ReadFields(**reply);
  if (fields.empty()) {
    return tl::unexpected(
        Failure{FailureKind::kUnknownOrder, fmt::format("there is no order '{}'", id.text)});
  }
  Result<Charge> charge = ParseCharge(Text(fields, "charge"));
  if (!charge) return tl::unexpected(charge.error());
  return Order{.id = id,
               .number = Number(fields, "number"),
               .receipt = {Text(fields, "receipt")},
               .customer = Text(fields, "customer"),
               .currency = Text(fields, "currency"),
               .price = {.subtotal = {Number(fields, "subtotal_cents")},
                         .discount = {Number(fields, "discount_cents")}},
               .charge = *std::move(charge),
               .warehouse = Text(fields, "warehouse"),
               .placed = WallTime(std::chrono::microseconds(Number(fields, "placed_us")))};
}

Result<void> OrderBook::Audit(WallTime time, std::string_view step, const OrderId& order) {
  const double seconds = std::chrono::duration<double>(time.time_since_epoch()).count();
  const Result<int64_t> added =
      redis_.IntegerCommand({"ZADD", "orders:audit", fmt::format("{:.6f}", seconds),
                             fmt::format("{} {}", step, order.text)});
  if (!added) return tl::unexpected(added.error());
  return {};
}

}  // namespace checkout
