#include "recorder/doorbell.h"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace reprise::recorder {

Doorbell::Doorbell(Arena& arena) : arena_(arena), fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  arena_.header().doorbell_armed.store(1, std::memory_order_seq_cst);
  thread_ = std::thread([this] { listen(); });
}

Doorbell::~Doorbell() {
  stop_.store(true);
  arena_.header().doorbell_armed.store(0, std::memory_order_seq_cst);
  arena_.header().doorbell.fetch_add(1, std::memory_order_seq_cst);
  ::syscall(SYS_futex, &arena_.header().doorbell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  thread_.join();
  ::close(fd_);
}

void Doorbell::clear() {
  std::uint64_t rings = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &rings, sizeof rings);
}

void Doorbell::listen() {
  std::uint32_t heard = arena_.header().doorbell.load(std::memory_order_seq_cst);
  while (!stop_.load()) {
    ::syscall(SYS_futex, &arena_.header().doorbell, FUTEX_WAIT, heard, nullptr, nullptr, 0);
    const std::uint32_t now = arena_.header().doorbell.load(std::memory_order_seq_cst);
    if (now == heard) continue;
    heard = now;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(fd_, &one, sizeof one);
  }
}

}  // namespace reprise::recorder
