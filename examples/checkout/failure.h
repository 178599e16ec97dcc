// Why a request was not served.
#ifndef EXAMPLES_CHECKOUT_FAILURE_H_
#define EXAMPLES_CHECKOUT_FAILURE_H_

#include <string>
#include <tl/expected.hpp>

namespace checkout {

enum class FailureKind {
  kInvalidCart,
  kUnknownProduct,
  kPriceChanged,
  kUnknownCoupon,
  kOutOfStock,
  kPaymentDeclined,
  kUnknownOrder,
  kDependencyUnavailable,
};

/// `message` is for the client: what happened and to what.
struct Failure {
  FailureKind kind;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Failure>;

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_FAILURE_H_
