// Which warehouse packs an order. Warehouses are found by name, so that one can be moved without
// touching the service.
#ifndef EXAMPLES_CHECKOUT_WAREHOUSE_H_
#define EXAMPLES_CHECKOUT_WAREHOUSE_H_

#include <string>

#include "examples/checkout/failure.h"

namespace checkout {

/// The numeric address of the warehouse that answers to the name `host` right now: the first one of
/// the system's resolver. Blocks; thread-safe. kDependencyUnavailable when the name leads nowhere.
[[nodiscard]] Result<std::string> FindWarehouse(const std::string& host);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_WAREHOUSE_H_
