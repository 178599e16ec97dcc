// Prices, asked for with a statement that was prepared when the service began.
//
// The bug: the place of a column in the rows is looked up once. When a table changed, PostgreSQL
// refuses a plan that was made for the old one, and the statement is prepared again; but what
// stands in that place is something else now.

#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/postgres.h"
#include "tests/zoo/thread_server.h"

namespace {

constexpr const char* kPlanIsOld = "0A000";  // "cached plan must not change result type"

class Prices {
 public:
  explicit Prices(const std::string& conninfo) : database_(zoo::ConnectToPostgres(conninfo)) {
    Prepare();
  }

  zoo::Response Tell(const std::string& thing) {
    zoo::Result row = zoo::AskPrepared(database_.get(), "thing", {thing});
    if (zoo::StateOf(row) == kPlanIsOld) {
      zoo::Ask(database_.get(), "DEALLOCATE thing");
      Prepare();
      row = zoo::AskPrepared(database_.get(), "thing", {thing});
    }
    if (PQntuples(row.get()) != 1) return {.status = 404, .body = "{}"};
#ifdef FIXED
    place_ = PQfnumber(row.get(), "cents");
#else
    if (place_ < 0) place_ = PQfnumber(row.get(), "cents");
#endif
    return {.body = std::string(R"({"cents":)") + PQgetvalue(row.get(), 0, place_) + "}"};
  }

 private:
  void Prepare() {
    const zoo::Result prepared(
        PQprepare(database_.get(), "thing", "SELECT * FROM things WHERE name = $1", 0, nullptr));
  }

  const zoo::Connection database_;
  int place_ = -1;  // of the price in a row
};

}  // namespace

int main(int, char** argv) {
  Prices prices(argv[1]);
  zoo::ServeWithPool(
      1, [&](const zoo::Request& request) { return prices.Tell(request.target.substr(1)); });
}
