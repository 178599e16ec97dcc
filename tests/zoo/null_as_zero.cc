// Orders on credit. How much a customer may owe says the database.
//
// The bug: a customer whose limit is NULL has none, but a NULL that is read as a number is 0.

#include <cstdlib>
#include <string>

#include "tests/zoo/beast_server.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/postgres.h"

namespace {

zoo::Response Order(const zoo::Request& request, PGconn* database) {
  const zoo::Result customer =
      zoo::Ask(database, "SELECT credit_limit FROM customers WHERE id = $1",
               {request.Parameter("customer")});
  if (PQntuples(customer.get()) != 1) return {.status = 404, .body = "{}"};
  const long cents = std::atol(request.Parameter("cents").c_str());
  const long limit = std::atol(PQgetvalue(customer.get(), 0, 0));
#ifdef FIXED
  const bool limited = PQgetisnull(customer.get(), 0, 0) == 0;
#else
  const bool limited = true;
#endif
  if (limited && cents > limit) {
    return {.status = 402, .body = R"({"limit":)" + std::to_string(limit) + "}"};
  }
  return {.status = 201, .body = R"({"owed":)" + std::to_string(cents) + "}"};
}

}  // namespace

int main(int, char** argv) {
  const zoo::Connection database = zoo::ConnectToPostgres(argv[1]);
  zoo::ServeWithBeast(1,
                      [&](const zoo::Request& request) { return Order(request, database.get()); });
}
