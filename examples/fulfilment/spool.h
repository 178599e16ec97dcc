// Orders that other programs drop into a directory as files: "ID SKU QUANTITY", written under another
// name and renamed to *.order.
//
// Threading: one thread pops; any may close.
#pragma once

#include <optional>
#include <string>

#include "examples/fulfilment/order.h"

namespace fulfilment {

class Spool {
 public:
  // `directory` exists, or is never looked into.
  explicit Spool(std::string directory);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Takes the next order, in the order of file names; waits for one. None once the spool is closed.
  std::optional<Order> Pop();
  void Close();

 private:
  std::optional<Order> TakeFirst();
  // False when the spool was closed.
  bool WaitForChange();

  std::string directory_;
  int closed_ = -1;  // an eventfd
  int watch_ = -1;   // inotify, from the first wait on
};

}  // namespace fulfilment
