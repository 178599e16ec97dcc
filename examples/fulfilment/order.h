// What comes in and what becomes of it. Plain data; Boost.Serialization writes it.
#pragma once

#include <boost/serialization/string.hpp>
#include <string>

namespace fulfilment {

struct Order {
  std::string id, sku;
  int quantity = 0;

  template <typename Archive>
  void serialize(Archive& archive, unsigned) {
    archive& id& sku& quantity;
  }
};

// What the shop is told.
struct Receipt {
  std::string order;
  std::string parcel;  // "" when it was not sent
  std::string problem;

  template <typename Archive>
  void serialize(Archive& archive, unsigned) {
    archive& order& parcel& problem;
  }
};

}  // namespace fulfilment
