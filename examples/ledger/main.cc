// The ledger's command line.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "examples/ledger/account_book.h"
#include "examples/ledger/http_server.h"
#include "examples/ledger/redis_pool.h"
#include "examples/ledger/request_handler.h"

namespace {

const std::map<std::string, ledger::ThreadModel> kThreadModels = {
    {"pool", ledger::ThreadModel::kPool},
    {"thread-per-connection", ledger::ThreadModel::kThreadPerConnection},
};

// The signals that stop the service. Blocked before there are threads, so that they all block them
// and the main thread alone takes them, in WaitForStop().
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void WaitForStop(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Keeps accounts: PUT and GET /accounts/ID, POST and GET /accounts/ID/entries.");
  ledger::HttpServerOptions http;
  ledger::RedisServer redis{.host = "localhost"};
  int connections = 4;
  bool resp3 = false;
  app.add_option("--port", http.port, "Port of 127.0.0.1 to listen on; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--threading", http.model, "pool or thread-per-connection")
      ->transform(CLI::CheckedTransformer(kThreadModels));
  app.add_option("--threads", http.threads, "Threads of the pool")
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

  // A Redis that hangs up must not end the service.
  std::signal(SIGPIPE, SIG_IGN);
  // A line is out when it is written, into a pipe too.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const sigset_t stop_signals = BlockStopSignals();

  ledger::RedisPool pool(redis, connections);
  if (const auto connected = pool.Connect(); !connected) {
    std::cerr << "ledger: warning: redis: " << connected.error() << '\n';
  }
  ledger::AccountBook accounts(pool);
  ledger::RequestHandler handler(accounts);
  {
    const auto server = ledger::HttpServer::Start(http, handler);
    if (!server) {
      std::cerr << "ledger: cannot listen on port " << http.port << ": " << server.error() << '\n';
      return EXIT_FAILURE;
    }
    std::printf("listening on %u\n", server->port());
    WaitForStop(stop_signals);
  }
  std::puts("stopped");
  return EXIT_SUCCESS;
}
