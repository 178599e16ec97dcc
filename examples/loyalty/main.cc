// The loyalty service's command line, and its HTTP.

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "examples/http/server.h"
#include "examples/loyalty/redis_pool.h"
#include "examples/loyalty/visit.h"

namespace {

constexpr std::string_view kVisits = "/visits/";

http::Answer Handle(const http::Request& request, loyalty::RedisPool& pool) {
  if (request.method != "POST" || !request.path.starts_with(kVisits)) {
    return {404, "{\"error\":\"use POST /visits/CARD\"}\n"};
  }
  loyalty::RedisConnection redis = pool.Take();
  if (redis == nullptr) return {502, "{\"error\":\"Redis cannot be reached\"}\n"};
  http::Answer answer = loyalty::Visit(request.path.substr(kVisits.size()), *redis);
  pool.Return(std::move(redis));
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Greets customers at the till by their card: POST /visits/CARD.");
  http::ServerOptions server{.model = http::ThreadModel::kThreadPerConnection};
  std::string redis_host = "localhost";
  int redis_port = 6379;
  app.add_option("--port", server.port, "Port of 127.0.0.1 to listen on; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--redis-host", redis_host, "Name or address of Redis")
      ->envname("REDIS_HOST")
      ->capture_default_str();
  app.add_option("--redis-port", redis_port, "Port of Redis")
      ->envname("REDIS_PORT")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  loyalty::RedisPool pool(redis_host, redis_port);
  return http::ServeUntilStopped(
      server, [&](const http::Request& request) { return Handle(request, pool); });
}
