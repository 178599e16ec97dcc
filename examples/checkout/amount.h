// Amounts in the notation of the payments API: a decimal number of major units, a space and the
// currency, such as "12.5 EUR". Everywhere else the service counts in Cents.
#ifndef EXAMPLES_CHECKOUT_AMOUNT_H_
#define EXAMPLES_CHECKOUT_AMOUNT_H_

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "examples/checkout/cents.h"

namespace checkout {

/// "12.5 EUR" is 1250 cents. The error says what could not be read.
[[nodiscard]] tl::expected<Cents, std::string> ParseAmount(std::string_view text);

/// 1250 cents in EUR are "12.50 EUR".
[[nodiscard]] std::string FormatAmount(Cents amount, std::string_view currency);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_AMOUNT_H_
