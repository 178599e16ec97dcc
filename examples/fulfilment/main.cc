// The command line of fulfilment.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "examples/fulfilment/fulfilment.h"

int main(int argc, char** argv) {
  CLI::App app("Fulfils orders: files in a spool directory, parcels from a carrier.");
  fulfilment::Options options;
  std::string spool_directory, stock_path;
  int stock_taking_ms = static_cast<int>(options.stock_taking.count());
  app.add_option("--spool", spool_directory, "Directory that orders come in")->required();
  app.add_option("--stock", stock_path, "File with what is in stock")->required();
  app.add_option("--carrier-port", options.carrier_port, "Port of the carrier's Redis")
      ->check(CLI::Range(1, 65535));
  app.add_option("--threads", options.threads, "Threads that fulfil orders")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--stock-taking-ms", stock_taking_ms, "Pause between two stock-takings")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.stock_taking = std::chrono::milliseconds(stock_taking_ms);

  std::signal(SIGPIPE, SIG_IGN);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  // Before there are threads, so that the main thread alone takes them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  // So that an order that cannot be met is one at replay as well.
  reprise::register_error<fulfilment::OutOfStock>();

  fulfilment::Spool spool(spool_directory);
  fulfilment::StockFile stock(stock_path);
  {
    fulfilment::Service service(spool, stock, options);
    std::puts("ready");
    int signal = 0;
    sigwait(&stop_signals, &signal);
  }
  std::puts("stopped");
  return EXIT_SUCCESS;
}
