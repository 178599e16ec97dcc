// The service's log: lines on stdout.
#ifndef EXAMPLES_CHECKOUT_LOG_H_
#define EXAMPLES_CHECKOUT_LOG_H_

#include <string_view>

#include "examples/checkout/identifier.h"

namespace checkout {

/// Writes `message` as one line. Thread-safe; lines never mix, and a line is out when this returns,
/// so that a crash does not take it along. A stdout that cannot be written to loses the line.
void LogLine(std::string_view message);

/// Writes "request=ID message".
void LogLine(const RequestId& request, std::string_view message);

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_LOG_H_
