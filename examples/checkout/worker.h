// What one I/O thread has to itself: its connections to the dependencies and all that uses them.
#ifndef EXAMPLES_CHECKOUT_WORKER_H_
#define EXAMPLES_CHECKOUT_WORKER_H_

#include <string>

#include "examples/checkout/checkout.h"
#include "examples/checkout/order_book.h"
#include "examples/checkout/payments.h"
#include "examples/checkout/redis_connection.h"
#include "examples/checkout/request_handler.h"
#include "examples/checkout/stock.h"

namespace checkout {

struct Dependencies {
  RedisServer redis;
  /// As for Payments.
  std::string payments_url;
  /// As for FindWarehouse().
  std::string warehouse_host;
};

/// Made and connected by the main thread, then used by the one thread that entered it.
class Worker {
 public:
  explicit Worker(const Dependencies& dependencies);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Opens the connections ahead of the first request. What is down is logged, and tried again by
  /// the requests that need it.
  void Connect();

  /// Makes this the calling thread's worker.
  void Enter() { current_ = this; }

  /// The calling thread's worker; the thread has entered one.
  [[nodiscard]] static Worker& Current() { return *current_; }

  [[nodiscard]] RequestHandler& handler() { return handler_; }

 private:
  static thread_local Worker* current_;

  RedisConnection redis_;
  Payments payments_;
  Stock stock_;
  OrderBook orders_;
  Checkout checkout_;
  RequestHandler handler_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_WORKER_H_
