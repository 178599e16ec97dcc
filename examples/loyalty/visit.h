// A customer's card at the till: who it is, and how often they were here.
#ifndef EXAMPLES_LOYALTY_VISIT_H_
#define EXAMPLES_LOYALTY_VISIT_H_

#include <string>

#include "examples/http/server.h"
#include "examples/loyalty/redis_pool.h"

namespace loyalty {

/// Counts a visit and answers with {"name": …, "visits": …}; 404 for a card that nobody has, 502
/// when Redis fails.
[[nodiscard]] http::Answer Visit(const std::string& card, redisContext& redis);

}  // namespace loyalty

#endif  // EXAMPLES_LOYALTY_VISIT_H_
