#include "examples/booking/box_office.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "examples/http/client.h"

namespace booking {

BoxOffice::BoxOffice(SeatPlan& seats, std::string payments_url)
    : seats_(seats), payments_url_(std::move(payments_url)) {}

Sale BoxOffice::Book(const std::string& seat, const std::string& customer) {
#ifdef BOOKING_FIXED
  if (!seats_.Reserve(seat, customer)) return Sale::kTaken;
  if (!Pay(seat, customer)) {
    seats_.Release(seat);
    return Sale::kNotPaid;
  }
#else
  if (seats_.HolderOf(seat)) return Sale::kTaken;
  if (!Pay(seat, customer)) return Sale::kNotPaid;
  seats_.Assign(seat, customer);
#endif
  return Sale::kBooked;
}

bool BoxOffice::Pay(const std::string& seat, const std::string& customer) const {
  const nlohmann::ordered_json charge = {
      {"order", "seat " + seat}, {"customer", customer}, {"amount", "45 EUR"}};
  http::Client payments;
  const std::optional<http::Reply> reply = payments.Post(payments_url_ + "/charges", charge.dump());
  return reply && reply->status == 201;
}

}  // namespace booking
