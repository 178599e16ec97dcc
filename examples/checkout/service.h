// The HTTP service: a listening port, and threads that serve its connections.
#ifndef EXAMPLES_CHECKOUT_SERVICE_H_
#define EXAMPLES_CHECKOUT_SERVICE_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "examples/checkout/connection.h"
#include "examples/checkout/worker.h"

namespace checkout {

struct ServiceOptions {
  std::string address = "127.0.0.1";
  /// 0 takes a free one.
  uint16_t port = 0;
  int threads = 4;
  Dependencies dependencies;
};

/// One io_context run by `threads` threads, of which each brings a Worker. Requests of different
/// connections are handled side by side, in whichever thread read them.
class Service {
 public:
  /// Connects to the dependencies and listens. Throws boost::system::system_error when it cannot
  /// listen.
  explicit Service(const ServiceOptions& options);

  /// The port that it listens on.
  [[nodiscard]] uint16_t port() const { return port_; }

  /// Serves until SIGINT or SIGTERM, and returns when the answers under way are written.
  void Run();

 private:
  void Accept();
  void OnAccept(const boost::system::error_code& error, boost::asio::ip::tcp::socket socket);
  void Stop();

  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_pause_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  OpenConnections connections_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_SERVICE_H_
