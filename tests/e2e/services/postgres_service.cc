// A shop's service on libpq: threads that accept for themselves, each with a connection of its own
// to the database, opened when it is first needed.
//
//   postgres_service PORT CONNINFO THREADS [audited|renamed]
//
// "audited" and "renamed" are changed builds: the one asks one more statement in the middle of a
// transfer, the other asks for an item in other words.
#include <netinet/in.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Closer {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Closer>;
using Result = std::unique_ptr<PGresult, Closer>;

std::string_view build = "";

constexpr int kInt4 = 23;

std::string BigEndian(int value) {
  const auto number = htonl(static_cast<unsigned>(value));
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

// Rows on lines; a NULL is "-".
std::string Rows(const PGresult* result) {
  std::string text;
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      if (column > 0) text += ',';
      if (PQgetisnull(result, row, column) != 0) {
        text += '-';
      } else if (PQfformat(result, column) == 1) {
        unsigned number = 0;
        std::memcpy(&number, PQgetvalue(result, row, column), sizeof(number));
        text += std::to_string(static_cast<int>(ntohl(number)));
      } else {
        text += PQgetvalue(result, row, column);
      }
    }
    text += '\n';
  }
  return text;
}

// What became of a statement: its rows, its command tag, or the SQLSTATE.
std::string Outcome(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
      return Rows(result);
    case PGRES_COMMAND_OK:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
      return std::string(PQcmdStatus(const_cast<PGresult*>(result))) + "\n";
    case PGRES_PIPELINE_ABORTED:
      return "aborted\n";
    default:
      break;
  }
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return std::string("error ") + (state != nullptr ? state : "without a state") + "\n";
}

class Shop {
 public:
  Shop(std::string conninfo, int number) : conninfo_(std::move(conninfo)), number_(number) {}

  std::string Answer(const std::string& target) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) Connect();
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      return std::string("no database: ") + PQerrorMessage(connection_.get());
    }
    const std::size_t slash = target.find('/', 1);
    const std::string what = target.substr(0, slash);
    const std::string rest = slash == std::string::npos ? "" : target.substr(slash + 1);
    if (what == "/item") return Item(rest);
    if (what == "/price") return Price(std::atoi(rest.c_str()));
    if (what == "/several") return Ask("SELECT 1 AS one; SELECT note FROM items WHERE id = 2");
    if (what == "/basket") return Basket();
    if (what == "/import") return Import(rest);
    if (what == "/export") return Export();
    if (what == "/transfer") return Transfer(rest);
    if (what == "/hear") return Hear(rest);
    return "?";
  }

 private:
  void Connect() {
    connection_.reset(PQconnectdb((conninfo_ + " application_name=shop").c_str()));
    prepared_ = false;
    if (PQstatus(connection_.get()) == CONNECTION_OK) Ask("SET client_min_messages TO warning");
  }

  std::string Ask(const std::string& statement) {
    std::string text;
    if (PQsendQuery(connection_.get(), statement.c_str()) == 0) return "broken\n";
    while (Result result{PQgetResult(connection_.get())}) text += Outcome(result.get());
    return text;
  }

  std::string Item(const std::string& id) {
    const char* values[] = {id.c_str()};
    const char* text = build == "renamed" ? "SELECT name, note FROM items WHERE id=$1"
                                          : "SELECT id, name, note FROM items WHERE id = $1";
    const Result result{
        PQexecParams(connection_.get(), text, 1, nullptr, values, nullptr, nullptr, 0)};
    return Outcome(result.get());
  }

  // Prepared once for each connection, under a name of its own; numbers in binary, both ways.
  std::string Price(int id) {
    const std::string name = "price_" + std::to_string(number_);
    if (!prepared_) {
      const Oid types[] = {kInt4};
      const Result prepared{PQprepare(connection_.get(), name.c_str(),
                                      "SELECT price FROM items WHERE id = $1", 1, types)};
      prepared_ = PQresultStatus(prepared.get()) == PGRES_COMMAND_OK;
    }
    const std::string number = BigEndian(id);
    const char* values[] = {number.data()};
    const int lengths[] = {static_cast<int>(number.size())};
    const int formats[] = {1};
    const Result result{
        PQexecPrepared(connection_.get(), name.c_str(), 1, values, lengths, formats, 1)};
    return Outcome(result.get());
  }

  // Two pipelines in one go: the second fails in its middle.
  std::string Basket() {
    PGconn* const c = connection_.get();
    std::string text;
    PQenterPipelineMode(c);
    const auto send = [&](const char* statement) {
      PQsendQueryParams(c, statement, 0, nullptr, nullptr, nullptr, nullptr, 0);
    };
    send("SELECT name FROM items WHERE id = 1");
    send("SELECT price FROM items WHERE id = 1");
    PQpipelineSync(c);
    send("SELECT name FROM items WHERE id = 2");
    send("SELECT 1 / 0");
    send("SELECT price FROM items WHERE id = 2");
    PQpipelineSync(c);
    for (int syncs = 0; syncs < 2 && PQstatus(c) == CONNECTION_OK;) {
      const Result result{PQgetResult(c)};
      if (result == nullptr) continue;
      if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
        ++syncs;
      } else {
        text += Outcome(result.get());
      }
    }
    PQexitPipelineMode(c);
    return text;
  }

  std::string Import(const std::string& kind) {
    const char* statement = "COPY imported (id, note) FROM STDIN";
    const Result asked{kind == "extended" ? PQexecParams(connection_.get(), statement, 0, nullptr,
                                                         nullptr, nullptr, nullptr, 0)
                                          : PQexec(connection_.get(), statement)};
    if (PQresultStatus(asked.get()) != PGRES_COPY_IN) return Outcome(asked.get());
    const std::string rows = kind == "broken" ? "x\tnot a number\n" : "1\tone\n2\t\\N\n3\t\n";
    PQputCopyData(connection_.get(), rows.data(), static_cast<int>(rows.size()));
    PQputCopyEnd(connection_.get(), nullptr);
    std::string text;
    while (Result result{PQgetResult(connection_.get())}) text += Outcome(result.get());
    return text;
  }

  std::string Export() {
    const Result asked{
        PQexec(connection_.get(), "COPY (SELECT id, name FROM items ORDER BY id) TO STDOUT")};
    std::string text = Outcome(asked.get());
    char* row = nullptr;
    for (int size = 0; (size = PQgetCopyData(connection_.get(), &row, 0)) > 0; PQfreemem(row)) {
      text.append(row, static_cast<std::size_t>(size));
    }
    while (Result result{PQgetResult(connection_.get())}) text += Outcome(result.get());
    return text;
  }

  // The second of one id fails, and the transaction with it.
  std::string Transfer(const std::string& id) {
    std::string text = Ask("BEGIN");
    text += Ask("UPDATE items SET stock = stock - 1 WHERE id = 1");
    if (build == "audited") Ask("SELECT count(*) FROM transfers");
    const char* values[] = {id.c_str()};
    const Result result{PQexecParams(connection_.get(), "INSERT INTO transfers (id) VALUES ($1)", 1,
                                     nullptr, values, nullptr, nullptr, 0)};
    text += Outcome(result.get());
    text += PQtransactionStatus(connection_.get()) == PQTRANS_INERROR ? "failed\n" : "going on\n";
    text += Ask(PQresultStatus(result.get()) == PGRES_COMMAND_OK ? "COMMIT" : "ROLLBACK");
    text += PQtransactionStatus(connection_.get()) == PQTRANS_IDLE ? "idle\n" : "not idle\n";
    return text;
  }

  std::string Hear(const std::string& what) {
    std::string text = Ask("LISTEN own");
    text += Ask("NOTIFY own, '" + what + "'");
    text += Ask("UNLISTEN own");
    while (PGnotify* heard = PQnotifies(connection_.get())) {
      text += std::string(heard->relname) + " " + heard->extra + "\n";
      PQfreemem(heard);
    }
    Ask("NOTIFY others, '" + what + "'");
    return text;
  }

  const std::string conninfo_;
  const int number_;
  Connection connection_;
  bool prepared_ = false;
};

void Serve(int listener, Shop& shop) {
  for (;;) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) return;
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = read(client, buffer, sizeof(buffer));
      if (size <= 0) break;
      head.append(buffer, static_cast<std::size_t>(size));
    }
    const std::size_t begin = head.find(' ') + 1;
    if (head.find("\r\n\r\n") != std::string::npos) {
      const std::string body = shop.Answer(head.substr(begin, head.find(' ', begin) - begin));
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\nConnection: close\r\n\r\n" + body;
      (void)!write(client, answer.data(), answer.size());
    }
    close(client);
  }
}

// A connection on which notifications come.
Connection Listen(const std::string& conninfo) {
  Connection connection{PQconnectdb(conninfo.c_str())};
  const Result listening{PQexec(connection.get(), "LISTEN others")};
  return connection;
}

// Tells on its standard output what others notified.
void TellWhatIsHeard(const Connection& connection) {
  while (PQstatus(connection.get()) == CONNECTION_OK) {
    pollfd wait{PQsocket(connection.get()), POLLIN, 0};
    if (poll(&wait, 1, -1) < 0 || PQconsumeInput(connection.get()) == 0) return;
    while (PGnotify* heard = PQnotifies(connection.get())) {
      std::printf("heard %s\n", heard->extra);
      std::fflush(stdout);
      PQfreemem(heard);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  if (argc > 4) build = argv[4];
  signal(SIGPIPE, SIG_IGN);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<unsigned short>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::thread([connection = Listen(argv[2])] { TellWhatIsHeard(connection); }).detach();
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 1;
  if (listen(listener, 64) != 0) return 1;
  std::vector<std::unique_ptr<Shop>> shops;
  std::vector<std::thread> threads;
  for (int number = 0; number < std::atoi(argv[3]); ++number) {
    shops.push_back(std::make_unique<Shop>(argv[2], number));
    threads.emplace_back(Serve, listener, std::ref(*shops.back()));
  }
  for (std::thread& thread : threads) thread.join();
}
