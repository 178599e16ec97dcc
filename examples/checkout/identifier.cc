#include "examples/checkout/identifier.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <system_error>

namespace checkout {

RequestId DrawRequestId() {
  uint32_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return {fmt::format("{:08x}", number)};
}

OrderId DrawOrderId() {
  std::random_device device;
  const uint32_t high = device();
  const uint32_t low = device();
  return {fmt::format("ord_{:08x}{:08x}", high, low)};
}

ReceiptCode DrawReceiptCode() { return {fmt::format("{:08x}", std::random_device{}())}; }

}  // namespace checkout
