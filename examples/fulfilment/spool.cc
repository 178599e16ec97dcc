#include "examples/fulfilment/spool.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace fulfilment {

namespace fs = std::filesystem;

Spool::Spool(std::string directory)
    : directory_(std::move(directory)), closed_(::eventfd(0, EFD_CLOEXEC)) {}

Spool::~Spool() {
  ::close(closed_);
  if (watch_ >= 0) ::close(watch_);
}

std::optional<Order> Spool::Pop() {
  if (watch_ < 0) {
    // Before the first look, so that nothing comes unseen between a look and the wait after it.
    watch_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    ::inotify_add_watch(watch_, directory_.c_str(), IN_MOVED_TO);
  }
  do {
    if (auto order = TakeFirst()) return order;
  } while (WaitForChange());
  return std::nullopt;
}

std::optional<Order> Spool::TakeFirst() {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error)) {
    if (entry.path().extension() == ".order") files.push_back(entry.path());
  }
  if (files.empty()) return std::nullopt;
  const fs::path first = *std::min_element(files.begin(), files.end());
  Order order;
  std::ifstream(first) >> order.id >> order.sku >> order.quantity;
  fs::remove(first, error);
  return order;
}

bool Spool::WaitForChange() {
  pollfd sources[] = {{watch_, POLLIN, 0}, {closed_, POLLIN, 0}};
  ::poll(sources, 2, -1);
  char events[4096];
  while (::read(watch_, events, sizeof events) > 0) {
  }
  return (sources[1].revents & POLLIN) == 0;
}

void Spool::Close() {
  const eventfd_t one = 1;
  ::eventfd_write(closed_, one);
}

}  // namespace fulfilment
