#include "examples/fulfilment/carrier.h"

#include <hiredis/hiredis.h>

#include <stdexcept>

namespace fulfilment {

void Carrier::Free::operator()(redisContext* context) const { redisFree(context); }

long long Carrier::NextParcel() {
  if (connection_ == nullptr) connection_.reset(redisConnect(host_.c_str(), port_));
  if (connection_ == nullptr || connection_->err != 0) {
    const std::string why = connection_ == nullptr ? "no memory" : connection_->errstr;
    connection_.reset();
    throw std::runtime_error("carrier: " + why);
  }
  auto* reply = static_cast<redisReply*>(redisCommand(connection_.get(), "INCR parcels"));
  if (reply == nullptr || reply->type != REDIS_REPLY_INTEGER) {
    freeReplyObject(reply);
    connection_.reset();
    throw std::runtime_error("carrier: no answer");
  }
  const long long number = reply->integer;
  freeReplyObject(reply);
  return number;
}

}  // namespace fulfilment
