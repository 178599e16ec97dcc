// A payment that went through, as the payments API describes it.
#ifndef EXAMPLES_CHECKOUT_CHARGE_H_
#define EXAMPLES_CHECKOUT_CHARGE_H_

#include <string>

#include "examples/checkout/cents.h"
#include "examples/checkout/failure.h"

namespace checkout {

struct Charge {
  std::string id;
  /// What the payment itself costs, which the customer pays on top.
  Cents fee;
  /// The API's answer as it came; orders keep it, since it is what the books are checked against.
  std::string document;
};

/// Reads {"id": "ch_17", "fee": "0.83 EUR"}; other members do not matter. Fails with
/// kDependencyUnavailable when it is something else.
[[nodiscard]] Result<Charge> ParseCharge(std::string document);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_CHARGE_H_
