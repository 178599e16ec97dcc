// The booking service's command line, and its HTTP.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "examples/booking/box_office.h"
#include "examples/booking/seat_plan.h"
#include "examples/http/server.h"

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSeats = "/seats/";

http::Answer Error(int status, std::string_view message) {
  return {status, Json{{"error", message}}.dump() + "\n"};
}

http::Answer Sell(booking::BoxOffice& office, const std::string& seat,
                  const std::string& customer) {
  switch (office.Book(seat, customer)) {
    case booking::Sale::kBooked:
      return {201, Json{{"seat", seat}, {"booked_for", customer}}.dump() + "\n"};
    case booking::Sale::kTaken:
      return Error(409, "the seat is taken");
    case booking::Sale::kNotPaid:
      return Error(402, "the payment was declined");
  }
  return Error(500, "internal");
}

http::Answer Handle(const http::Request& request, booking::BoxOffice& office,
                    const booking::SeatPlan& seats) {
  if (!request.path.starts_with(kSeats)) return Error(404, "use /seats/SEAT");
  const std::string seat = request.path.substr(kSeats.size());
  if (request.method == "POST") return Sell(office, seat, request.body);
  if (request.method != "GET") return Error(405, "use GET or POST");
  const auto holder = seats.HolderOf(seat);
  if (!holder) return Error(404, "the seat is free");
  return {200, Json{{"seat", seat}, {"booked_for", *holder}}.dump() + "\n"};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sells seats: POST /seats/SEAT with the customer's name, GET /seats/SEAT.");
  http::ServerOptions server{.model = http::ThreadModel::kThreadPerConnection};
  std::string payments_url = "http://localhost:8080";
  app.add_option("--port", server.port, "Port of 127.0.0.1 to listen on; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--payments-url", payments_url, "Payments API, http://HOST:PORT")
      ->envname("PAYMENTS_URL")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  booking::SeatPlan seats;
  booking::BoxOffice office(seats, payments_url);
  return http::ServeUntilStopped(
      server, [&](const http::Request& request) { return Handle(request, office, seats); });
}
