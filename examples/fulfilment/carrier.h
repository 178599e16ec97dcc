// The carrier's counter of parcels, in Redis. One connection, made when it is first needed.
//
// Threading: one thread at a time.
#pragma once

#include <memory>
#include <string>

struct redisContext;

namespace fulfilment {

class Carrier {
 public:
  Carrier(std::string host, int port) : host_(std::move(host)), port_(port) {}

  // The number of the next parcel. Throws std::runtime_error when the carrier does not answer.
  long long NextParcel();

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };

  const std::string host_;
  const int port_;
  std::unique_ptr<redisContext, Free> connection_;
};

}  // namespace fulfilment
