#include "tests/zoo/thread_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "tests/zoo/http_text.h"
#include "tests/zoo/listener.h"

namespace zoo {
namespace {

// Connections that no thread of the pool took yet.
class Waiting {
 public:
  void Add(int connection) {
    {
      const std::lock_guard lock(mutex_);
      connections_.push_back(connection);
    }
    added_.notify_one();
  }

  int Take() {
    std::unique_lock lock(mutex_);
    added_.wait(lock, [this] { return !connections_.empty(); });
    const int connection = connections_.front();
    connections_.pop_front();
    return connection;
  }

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<int> connections_;
};

}  // namespace

void ServeConnection(int connection, const Handler& handler) {
  std::string buffer;
  while (const auto request = ReadRequest(connection, buffer)) {
    if (!SendAll(connection, ToText(handler(*request)))) break;
  }
  close(connection);
}

void ServeThreadPerConnection(const Handler& handler) {
  const int listener = Listen();
  while (true) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) continue;
    std::thread([connection, &handler] { ServeConnection(connection, handler); }).detach();
  }
}

void ServeWithPool(int threads, const Handler& handler) {
  Waiting waiting;
  for (int thread = 0; thread < threads; ++thread) {
    std::thread([&waiting, &handler] {
      while (true) ServeConnection(waiting.Take(), handler);
    }).detach();
  }
  const int listener = Listen();
  while (true) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) waiting.Add(connection);
  }
}

}  // namespace zoo
