// The ledger's command line.

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <string>

#include "examples/http/server.h"
#include "examples/ledger/account_book.h"
#include "examples/ledger/redis_pool.h"
#include "examples/ledger/request_handler.h"

namespace {

const std::map<std::string, http::ThreadModel> kThreadModels = {
    {"pool", http::ThreadModel::kPool},
    {"thread-per-connection", http::ThreadModel::kThreadPerConnection},
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Keeps accounts: PUT and GET /accounts/ID, POST and GET /accounts/ID/entries.");
  http::ServerOptions server;
  ledger::RedisServer redis{.host = "localhost"};
  int connections = 4;
  bool resp3 = false;
  app.add_option("--port", server.port, "Port of 127.0.0.1 to listen on; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--threading", server.model, "pool or thread-per-connection")
      ->transform(CLI::CheckedTransformer(kThreadModels));
  app.add_option("--threads", server.threads, "Threads of the pool")
      ->check(CLI::Range(2, 256))
      ->capture_default_str();
  app.add_option("--redis-host", redis.host, "Name or address of Redis")->capture_default_str();
  app.add_option("--redis-port", redis.port, "Port of Redis")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  app.add_option("--redis-connections", connections, "Connections to Redis, for all threads")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_flag("--resp3", resp3, "Speak RESP3 with Redis instead of RESP2");
  CLI11_PARSE(app, argc, argv);
  if (resp3) redis.version = ledger::RespVersion::kResp3;

  ledger::RedisPool pool(redis, connections);
  if (const auto connected = pool.Connect(); !connected) {
    std::cerr << "ledger: warning: redis: " << connected.error() << '\n';
  }
  ledger::AccountBook accounts(pool);
  ledger::RequestHandler handler(accounts);
  return http::ServeUntilStopped(
      server, [&](const http::Request& request) { return handler.Handle(request); });
}
