#include "examples/checkout/order.h"

#include <nlohmann/json.hpp>

namespace checkout {

std::string ToJson(const Order& order) {
  const nlohmann::ordered_json json = {{"order", order.id.text},
                                       {"number", order.number},
                                       {"receipt", order.receipt.text},
                                       {"customer", order.customer},
                                       {"currency", order.currency},
                                       {"subtotal_cents", order.price.subtotal.value},
                                       {"discount_cents", order.price.discount.value},
                                       {"payment_fee_cents", order.charge.fee.value},
                                       {"total_cents", order.Total().value},
                                       {"charge", order.charge.id},
                                       {"warehouse", order.warehouse},
                                       {"placed", FormatTimestamp(order.placed)}};
  // Names may come from a Redis somebody else wrote to, in any encoding.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace checkout
