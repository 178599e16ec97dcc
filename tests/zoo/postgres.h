// What the services of the zoo ask PostgreSQL with. A connection belongs to one thread at a time.
#pragma once

#include <postgresql/libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace zoo {

struct PostgresCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, PostgresCloser>;
using Result = std::unique_ptr<PGresult, PostgresCloser>;

// Ends the program with a message when there is no database.
[[nodiscard]] Connection ConnectToPostgres(const std::string& conninfo);

// Runs one statement with the values of $1, $2 and so on; whatever became of it.
Result Ask(PGconn* connection, const char* statement, const std::vector<std::string>& values = {});

// The same, for a statement that was prepared under a name.
Result AskPrepared(PGconn* connection, const char* name, const std::vector<std::string>& values);

// The SQLSTATE of a statement that failed; empty of one that did not.
[[nodiscard]] std::string StateOf(const Result& result);

}  // namespace zoo
