// Seats of a theatre. Who takes one does so in a serializable transaction, which is tried again
// when it cannot be put in an order with another one (SQLSTATE 40001).
//
// The bug: a seat that somebody has at a second try is believed to be the first try's, as if that
// had been committed and only its answer been lost. It is another customer's.

#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/postgres.h"
#include "tests/zoo/thread_server.h"

namespace {

constexpr int kTries = 3;

zoo::Response Holder(int status, const std::string& holder) {
  return {.status = status, .body = R"({"holder":")" + holder + "\"}"};
}

zoo::Response Take(PGconn* database, const std::string& seat, const std::string& customer) {
  for (int attempt = 1; attempt <= kTries; ++attempt) {
    zoo::Ask(database, "BEGIN ISOLATION LEVEL SERIALIZABLE");
    const zoo::Result found =
        zoo::Ask(database, "SELECT holder FROM seats WHERE number = $1", {seat});
    const bool taken = PQntuples(found.get()) == 1 && PQgetisnull(found.get(), 0, 0) == 0;
    if (taken) {
      const std::string holder = PQgetvalue(found.get(), 0, 0);
      zoo::Ask(database, "ROLLBACK");
#ifdef FIXED
      const bool own = holder == customer;
#else
      const bool own = attempt > 1;
#endif
      return Holder(own ? 201 : 409, holder);
    }
    const zoo::Result updated =
        zoo::Ask(database, "UPDATE seats SET holder = $1 WHERE number = $2", {customer, seat});
    if (zoo::StateOf(updated).empty() && zoo::StateOf(zoo::Ask(database, "COMMIT")).empty()) {
      return Holder(201, customer);
    }
    zoo::Ask(database, "ROLLBACK");
  }
  return {.status = 503, .body = "{}"};
}

}  // namespace

int main(int, char** argv) {
  const std::string conninfo = argv[1];
  zoo::ServeWithPool(2, [&](const zoo::Request& request) {
    thread_local const zoo::Connection database = zoo::ConnectToPostgres(conninfo);
    return Take(database.get(), request.Parameter("seat"), request.Parameter("customer"));
  });
}
