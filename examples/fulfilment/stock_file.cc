#include "examples/fulfilment/stock_file.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace fulfilment {

std::map<std::string, int> StockFile::Read() const {
  std::ifstream file(path_);
  if (!file) throw std::system_error(errno, std::generic_category(), path_);
  std::map<std::string, int> stock;
  std::string sku;
  for (int count = 0; file >> sku >> count;) stock[sku] = count;
  return stock;
}

void StockFile::Write(const std::map<std::string, int>& stock) const {
  const std::string fresh = path_ + ".new";
  std::ofstream file(fresh);
  for (const auto& [sku, count] : stock) file << sku << ' ' << count << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), path_);
  }
}

int StockFile::Take(const std::string& sku, int quantity) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, int> stock = Read();
  int& count = stock[sku];
  if (count < quantity) {
    throw OutOfStock(std::to_string(count) + " of " + sku + " are left");
  }
  count -= quantity;
  Write(stock);
  return count;
}

int StockFile::Count() {
  const std::lock_guard lock(mutex_);
  int all = 0;
  for (const auto& [sku, count] : Read()) all += count;
  return all;
}

}  // namespace fulfilment
