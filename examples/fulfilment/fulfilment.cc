#include "examples/fulfilment/fulfilment.h"

#include <cstdio>
#include <random>
#include <utility>

namespace fulfilment {
namespace {

// "2026-11-29/7-3fa2": nobody can guess a parcel's name from another one's.
std::string ParcelName(long long number) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm day{};
  ::gmtime_r(&now, &day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d/%lld-%04x", day.tm_year + 1900, day.tm_mon + 1,
                day.tm_mday, number, std::random_device()() & 0xffff);
  return text;
}

}  // namespace

Service::Service(Spool& spool, StockFile& stock, Options options)
    : spool_(spool), stock_(stock), options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) {
    workers_.emplace_back([this] { FulfilOrders(); });
  }
  intake_ = std::thread([this] { TakeOrdersIn(); });
  timer_ = std::thread([this] { TakeStock(); });
}

Service::~Service() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  spool_.Close();
  intake_.join();
  timer_.join();
  jobs_.Close();
  for (std::thread& worker : workers_) worker.join();
}

// An entry point: each order is an exchange, though no socket brought it.
void Service::TakeOrdersIn() {
  while (auto order = orders_.next([this] { return spool_.Pop(); })) {
    jobs_.Push({std::move(order), reprise::Context::current()});
  }
}

void Service::FulfilOrders() {
  Carrier carrier(options_.carrier_host, options_.carrier_port);
  while (auto job = jobs_.Pop()) {
    const reprise::Scope scope(job->context);
    reprise::Input<Order> order = std::move(job->order);  // is over before the scope is
    const Receipt receipt = Fulfil(*order, carrier);
    std::printf("%s: %s%s\n", receipt.order.c_str(), receipt.parcel.c_str(),
                receipt.problem.c_str());
    order.reply(receipt);
  }
}

Receipt Service::Fulfil(const Order& order, Carrier& carrier) {
  Receipt receipt{order.id, "", ""};
  try {
    // An annotated call: at replay there is no file.
    const int left = reprise::external_call(
        "stock.take", order.sku, order.quantity,
        [this](const std::string& sku, int quantity) { return stock_.Take(sku, quantity); });
    receipt.parcel = ParcelName(carrier.NextParcel());
    if (left == 0) std::printf("%s is sold out\n", order.sku.c_str());
  } catch (const OutOfStock& error) {
    receipt.problem = std::string("not sent, ") + error.what();
  } catch (const std::exception& error) {
    receipt.problem = std::string("failed, ") + error.what();
  }
  return receipt;
}

// The other entry point: what the clock brings.
void Service::TakeStock() {
  while (auto tick = stock_takings_.next([this] { return PauseBeforeStockTaking(); })) {
    const int pieces = reprise::external_call("stock.count", [this] { return stock_.Count(); });
    std::printf("%d pieces in stock\n", pieces);
    tick.reply(pieces);
  }
}

bool Service::PauseBeforeStockTaking() {
  std::unique_lock lock(mutex_);
  return !stopping_.wait_for(lock, options_.stock_taking, [this] { return stopped_; });
}

}  // namespace fulfilment
