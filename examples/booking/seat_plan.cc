#include "examples/booking/seat_plan.h"

namespace booking {

std::optional<std::string> SeatPlan::HolderOf(const std::string& seat) const {
  const std::lock_guard lock(mutex_);
  const auto holder = holders_.find(seat);
  if (holder == holders_.end()) return std::nullopt;
  return holder->second;
}

void SeatPlan::Assign(const std::string& seat, const std::string& customer) {
  const std::lock_guard lock(mutex_);
  holders_[seat] = customer;
}

bool SeatPlan::Reserve(const std::string& seat, const std::string& customer) {
  const std::lock_guard lock(mutex_);
  return holders_.emplace(seat, customer).second;
}

void SeatPlan::Release(const std::string& seat) {
  const std::lock_guard lock(mutex_);
  holders_.erase(seat);
}

}  // namespace booking
