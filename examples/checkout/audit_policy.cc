#include "examples/checkout/audit_policy.h"

namespace checkout {
namespace {

#ifndef CHECKOUT_AUDITED_STEPS
#define CHECKOUT_AUDITED_STEPS 1
#endif

constexpr int kAuditedSteps = CHECKOUT_AUDITED_STEPS;

}  // namespace

bool IsAudited(CheckoutStep step) { return static_cast<int>(step) < kAuditedSteps; }

}  // namespace checkout
