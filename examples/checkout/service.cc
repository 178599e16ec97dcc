#include "examples/checkout/service.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "examples/checkout/log.h"

namespace checkout {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// How long to wait for connections to go away when there is no descriptor for another one.
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

Service::Service(const ServiceOptions& options)
    : io_(options.threads),
      signals_(io_, SIGINT, SIGTERM),
      acceptor_(asio::make_strand(io_)),
      accept_pause_(acceptor_.get_executor()) {
  for (int i = 0; i < options.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(options.dependencies));
    workers_.back()->Connect();
  }
  const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  acceptor_.bind(endpoint);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
}

void Service::Run() {
  signals_.async_wait([this](const boost::system::error_code& error, int /*signal*/) {
    if (!error) Stop();
  });
  asio::post(acceptor_.get_executor(), [this] { Accept(); });

  std::vector<std::jthread> threads;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    threads.emplace_back([this, &worker = *worker] {
      worker.Enter();
      io_.run();
    });
  }
}

void Service::Accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept(asio::make_strand(io_),
                         [this](const boost::system::error_code& error, tcp::socket socket) {
                           OnAccept(error, std::move(socket));
                         });
}

void Service::OnAccept(const boost::system::error_code& error, tcp::socket socket) {
  if (error == asio::error::operation_aborted) return;
  if (!error) {
    connections_.Serve(std::move(socket));
    return Accept();
  }
  LogLine(fmt::format("warning: accept: {}", error.message()));
  accept_pause_.expires_after(kAcceptPause);
  accept_pause_.async_wait([this](const boost::system::error_code& stopped) {
    if (!stopped) Accept();
  });
}

void Service::Stop() {
  asio::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
  });
  connections_.StopAll();
}

}  // namespace checkout
