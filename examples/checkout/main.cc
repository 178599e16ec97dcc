// The checkout service's command line.

#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "examples/checkout/log.h"
#include "examples/checkout/service.h"

namespace {

// Reads "HOST:PORT", or "[HOST]:PORT" for an IPv6 address. CLI::ValidationError otherwise.
checkout::RedisServer ParseRedisServer(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string_view digits = std::string_view(text).substr(colon + 1);
  uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (colon == std::string::npos || colon == 0 || parsed.ec != std::errc{} ||
      parsed.ptr != digits.data() + digits.size()) {
    throw CLI::ValidationError("--redis", "'" + text + "' is not HOST:PORT");
  }
  std::string host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, port};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes orders: POST /checkout, GET /orders/ID, GET /health.");
  checkout::ServiceOptions options;
  std::string redis = "localhost:6379";
  options.dependencies.payments_url = "http://localhost:8080";
  options.dependencies.warehouse_host = "localhost";
  app.add_option("--address", options.address, "Address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "Port to listen on; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads that serve requests")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--redis", redis, "Redis with the stock, HOST:PORT")->capture_default_str();
  app.add_option("--payments-url", options.dependencies.payments_url,
                 "Payments API, http://HOST:PORT")
      ->capture_default_str();
  app.add_option("--warehouse-host", options.dependencies.warehouse_host,
                 "Name of the warehouse that packs the orders")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
    options.dependencies.redis = ParseRedisServer(redis);
  } catch (const CLI::Error& error) {
    return app.exit(error);
  }

  // A dependency that hangs up must not end the service.
  std::signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  try {
    checkout::Service service(options);
    checkout::LogLine("listening on " + std::to_string(service.port()));
    service.Run();
  } catch (const std::exception& error) {
    std::cerr << "checkout: cannot serve on " << options.address << " port " << options.port << ": "
              << error.what() << '\n';
    return EXIT_FAILURE;
  }
  checkout::LogLine("stopped");
  return EXIT_SUCCESS;
}
