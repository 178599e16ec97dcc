// How much of what is in the store, in a file of lines "SKU COUNT". Stands for any embedded store:
// no socket leads to it, so nobody outside sees what is asked of it.
//
// Threading: any thread.
#pragma once

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

namespace fulfilment {

class OutOfStock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class StockFile {
 public:
  explicit StockFile(std::string path) : path_(std::move(path)) {}

  // Takes `quantity` of `sku` and returns what is left. Throws OutOfStock when there is not as much,
  // std::system_error when the file cannot be read or written.
  int Take(const std::string& sku, int quantity);
  // Pieces of everything.
  int Count();

 private:
  std::map<std::string, int> Read() const;
  void Write(const std::map<std::string, int>& stock) const;

  std::mutex mutex_;
  const std::string path_;
};

}  // namespace fulfilment
