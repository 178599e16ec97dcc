// Sells the seats of a theatre. A seat is booked when it has been paid for.
#ifndef EXAMPLES_BOOKING_BOX_OFFICE_H_
#define EXAMPLES_BOOKING_BOX_OFFICE_H_

#include <string>

#include "examples/booking/seat_plan.h"

namespace booking {

enum class Sale { kBooked, kTaken, kNotPaid };

/// Thread-safe. Borrows the seats.
class BoxOffice {
 public:
  /// `payments_url` such as "http://payments.local:8080", without a slash at its end.
  BoxOffice(SeatPlan& seats, std::string payments_url);

  /// Blocks while the customer pays.
  [[nodiscard]] Sale Book(const std::string& seat, const std::string& customer);

 private:
  [[nodiscard]] bool Pay(const std::string& seat, const std::string& customer) const;

  SeatPlan& seats_;
  const std::string payments_url_;
};

}  // namespace booking

#endif  // EXAMPLES_BOOKING_BOX_OFFICE_H_
