// Who sits where.
#ifndef EXAMPLES_BOOKING_SEAT_PLAN_H_
#define EXAMPLES_BOOKING_SEAT_PLAN_H_

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace booking {

/// Thread-safe.
class SeatPlan {
 public:
  /// Nothing for a free seat.
  [[nodiscard]] std::optional<std::string> HolderOf(const std::string& seat) const;

  /// Gives a seat to a customer, whoever had it.
  void Assign(const std::string& seat, const std::string& customer);

  /// Gives a seat to a customer if it is free; false if it is not.
  [[nodiscard]] bool Reserve(const std::string& seat, const std::string& customer);

  /// Makes a seat free.
  void Release(const std::string& seat);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> holders_;
};

}  // namespace booking

#endif  // EXAMPLES_BOOKING_SEAT_PLAN_H_
