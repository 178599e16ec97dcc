#include "replayer/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace reprise::replayer {

void Doorbell::arm() {
  seen_ = header_.doorbell.load(std::memory_order_seq_cst);
  header_.doorbell_armed.store(1, std::memory_order_seq_cst);
}

bool Doorbell::wait(std::chrono::microseconds at_most) {
  if (header_.doorbell.load(std::memory_order_seq_cst) == seen_) {
    const timespec timeout{at_most.count() / 1'000'000, at_most.count() % 1'000'000 * 1000};
    ::syscall(SYS_futex, &header_.doorbell, FUTEX_WAIT, seen_, &timeout, nullptr, 0);
  }
  header_.doorbell_armed.store(0, std::memory_order_seq_cst);
  return header_.doorbell.load(std::memory_order_seq_cst) != seen_;
}

}  // namespace reprise::replayer
