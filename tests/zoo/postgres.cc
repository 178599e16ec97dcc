#include "tests/zoo/postgres.h"

#include <cstdio>
#include <cstdlib>

namespace zoo {
namespace {

std::vector<const char*> Pointers(const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  return pointers;
}

}  // namespace

Connection ConnectToPostgres(const std::string& conninfo) {
  Connection connection(PQconnectdb(conninfo.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    std::fprintf(stderr, "no database: %s\n", PQerrorMessage(connection.get()));
    std::exit(1);
  }
  return connection;
}

Result Ask(PGconn* connection, const char* statement, const std::vector<std::string>& values) {
  return Result(PQexecParams(connection, statement, static_cast<int>(values.size()), nullptr,
                             Pointers(values).data(), nullptr, nullptr, 0));
}

Result AskPrepared(PGconn* connection, const char* name, const std::vector<std::string>& values) {
  return Result(PQexecPrepared(connection, name, static_cast<int>(values.size()),
                               Pointers(values).data(), nullptr, nullptr, 0));
}

std::string StateOf(const Result& result) {
  const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  return state != nullptr ? state : "";
}

}  // namespace zoo
