// Which steps of a checkout leave an entry in the audit trail. An entry costs one clock read and
// one Redis command in the middle of a request.
#ifndef EXAMPLES_CHECKOUT_AUDIT_POLICY_H_
#define EXAMPLES_CHECKOUT_AUDIT_POLICY_H_

namespace checkout {

/// In the order in which they happen.
enum class CheckoutStep { kReserved, kCharged };

/// The service audits the first step. The builds :checkout_added and :checkout_removed audit both,
/// or none: changed programs to replay a recording against.
[[nodiscard]] bool IsAudited(CheckoutStep step);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_AUDIT_POLICY_H_
