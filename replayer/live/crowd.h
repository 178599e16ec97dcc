// The clients of a replay in real time, on a thread of their own, so that nothing that the replayer
// does beside them delays an input or lengthens a latency.
//
// Ownership: borrows plan and entrance, owns the pacing. Threading: one thread makes it, starts
// and stops it; what is private runs on the thread that it has in between.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "replayer/driver.h"
#include "replayer/live/live_client.h"
#include "replayer/live/pacing.h"
#include "replayer/performance.h"

namespace reprise::replayer {

class Crowd {
 public:
  // `tells_all`: take_finished() tells every exchange, else only those without the response that
  // the recording has, or with one of another class of status.
  Crowd(const Plan& plan, Entrance& entrance, std::unique_ptr<Pacing> pacing, const LiveTime& time,
        bool tells_all);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void start();
  // All clients are done.
  bool is_done() const { return done_.load(std::memory_order_acquire); }
  // Exchanges that are over.
  std::uint64_t finished() const { return finished_count_.load(std::memory_order_relaxed); }
  // Those of them that are over since the last call.
  std::vector<DrivenExchange> take_finished();
  // Nothing is sent or waited for any more; `why` is told of what was. Returns when the thread has
  // ended.
  void stop(const std::string& why);
  // After stop().
  const Performance& performance() const { return performance_; }

 private:
  struct Due {
    Instant at;
    std::uint64_t client;
    friend bool operator>(const Due& one, const Due& other) { return one.at > other.at; }
  };

  void run();
  void begin_courses(Instant now);
  void take_due_steps(Instant now);
  void advance(std::uint64_t number);
  bool advance(LiveClient& client, std::uint64_t number, const Step& step);
  void take_step(LiveClient& client, Instant due, Instant now);
  void count_offset(LiveClient& client, Instant due, Instant now);
  Instant next_due(Instant now);
  void wait(Instant until);
  void settle();
  void count(LiveClient::Outcome& outcome, Instant now);
  void give_up_late(Instant now);

  const Plan& plan_;
  const std::unique_ptr<Pacing> pacing_;
  const bool tells_all_;
  const int poll_;  // epoll descriptor
  const int wake_;  // eventfd
  LiveClient::Setting setting_;
  std::unordered_map<std::uint64_t, std::unique_ptr<LiveClient>> clients_;  // from number 1 on
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<std::uint64_t> over_;
  std::uint64_t refusals_ = 0;  // connections in a row that could not be made
  Instant last_response_, next_look_;
  Performance performance_;

  std::thread thread_;
  std::atomic<bool> stopping_ = false, done_ = false;
  std::atomic<std::uint64_t> finished_count_ = 0;
  std::string why_;  // written before stopping_
  std::mutex finished_mutex_;
  std::vector<DrivenExchange> finished_;
};

}  // namespace reprise::replayer
