// The service: takes orders in from the spool, fulfils them on a pool of threads, takes stock now and
// then.
//
// Ownership: borrows spool and stock; owns its threads. Threading: Run() and Stop() on the main
// thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "examples/fulfilment/carrier.h"
#include "examples/fulfilment/job_queue.h"
#include "examples/fulfilment/spool.h"
#include "examples/fulfilment/stock_file.h"

namespace fulfilment {

struct Options {
  int threads = 2;
  std::string carrier_host = "127.0.0.1";
  int carrier_port = 6379;
  std::chrono::milliseconds stock_taking{60'000};  // pause between two
};

class Service {
 public:
  Service(Spool& spool, StockFile& stock, Options options);
  ~Service();  // takes no more orders in, and fulfils those it has

 private:
  void TakeOrdersIn();
  void FulfilOrders();
  void TakeStock();
  Receipt Fulfil(const Order& order, Carrier& carrier);
  // False when the service stops.
  bool PauseBeforeStockTaking();

  Spool& spool_;
  StockFile& stock_;
  const Options options_;
  JobQueue jobs_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  reprise::Source<Order> orders_{"orders"};
  reprise::Source<reprise::Tick> stock_takings_{"stock-taking"};
  std::vector<std::thread> workers_;
  std::thread intake_, timer_;
};

}  // namespace fulfilment
