// Orders on their way from the thread that takes them in to those that fulfil them.
//
// A job carries the context it came in with: which of the jobs a woken thread finds here nobody
// outside can see.
//
// Threading: any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "examples/fulfilment/order.h"
#include "sdk/reprise.h"

namespace fulfilment {

struct Job {
  reprise::Input<Order> order;
  reprise::Context context;
};

class JobQueue {
 public:
  void Push(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
  }

  // Waits for one; none once the queue is closed and empty.
  std::optional<Job> Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    std::optional<Job> job(std::move(jobs_.front()));
    jobs_.pop_front();
    return job;
  }

  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closed_ = false;
};

}  // namespace fulfilment
