// A loop thread reads requests and answers them; what there is to do for each is done by a pool of
// one thread, which never touches a connection. The loop waits for a batch of requests and hands
// them over together, so that the pool has a backlog: it goes on from one job to the next without
// waiting.
//
//   pool_service PORT BATCH queue|carry|asio
//
// How a job gets to the pool: through a queue with a condition variable, through the same with the
// job's context carried, or by boost::asio::post (followed where this is built with TRACKED).
#if defined(TRACKED)
#define BOOST_ASIO_CUSTOM_HANDLER_TRACKING "sdk/asio_tracking.h"
#endif

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sdk/reprise.h"

namespace {

struct Request {
  int connection;
  std::string target;
};
struct Response {
  int connection;
  std::string body;
};

class Pool {
 public:
  // The thread waits when this is there: one that finds its first job without having waited is not
  // seen to be handed it.
  Pool() : thread_([this] { Run(); }) {
    while (!Waits()) std::this_thread::yield();
  }
  ~Pool() {
    Push({nullptr});
    thread_.join();
  }
  void Push(std::vector<std::function<void()>> jobs) {
    const std::lock_guard lock(mutex_);
    for (auto& job : jobs) jobs_.push_back(std::move(job));
    changed_.notify_one();
  }

 private:
  bool Waits() {
    const std::lock_guard lock(mutex_);
    return waits_;
  }
  void Run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      waits_ = true;
      changed_.wait(lock, [this] { return !jobs_.empty(); });
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      if (!job) return;
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool waits_ = false;
  std::thread thread_;
};

// What is done for a request: an annotated call and a random number.
std::string Work(const std::string& target) {
  const std::string found = reprise::external_call(
      "store.find", target, [](const std::string& key) { return key + "!"; });
  return found + " " + std::to_string(std::random_device()());
}

class Server {
 public:
  Server(std::uint16_t port, std::size_t batch, std::string mode)
      : batch_(batch), mode_(std::move(mode)), woken_(::eventfd(0, EFD_CLOEXEC)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::exit(1);
    ::listen(listener_, 16);
    if (mode_ == "asio") HoldAsioThread();
  }

  [[noreturn]] void Run() {
    for (;;) {
      std::vector<pollfd> sources = {{listener_, POLLIN, 0}, {woken_, POLLIN, 0}};
      for (const int connection : connections_) sources.push_back({connection, POLLIN, 0});
      ::poll(sources.data(), sources.size(), -1);
      if (sources[1].revents != 0) Answer();
      if (sources[0].revents != 0) connections_.push_back(::accept(listener_, nullptr, nullptr));
      for (std::size_t i = 2; i < sources.size(); ++i) {
        if (sources[i].revents != 0) Read(sources[i].fd);
      }
    }
  }

 private:
  // Asio's thread has waited before there is work for it, as Pool's has.
  void HoldAsioThread() {
    std::unique_lock lock(mutex_);
    boost::asio::post(asio_pool_, [this] {
      std::unique_lock held(mutex_);
      waits_ = true;
      whole_.notify_all();
      whole_.wait(held, [this] { return released_; });
    });
    whole_.wait(lock, [this] { return waits_; });
    released_ = true;
    whole_.notify_all();
  }

  // A request comes in one piece.
  void Read(int connection) {
    char text[4096];
    const ssize_t length = ::read(connection, text, sizeof text);
    if (length <= 0) {
      std::erase(connections_, connection);
      ::close(connection);
      return;
    }
    const std::string line(text, static_cast<std::size_t>(length));
    const std::size_t begin = line.find(' ') + 1;
    Request request{connection, line.substr(begin, line.find(' ', begin) - begin)};
    jobs_.push_back(JobOf(std::move(request)));
    if (jobs_.size() < batch_) return;
    if (mode_ == "asio") {
      for (auto& job : jobs_) job();
    } else {
      pool_.Push(std::move(jobs_));
    }
    jobs_.clear();
  }

  std::function<void()> JobOf(Request request) {
    std::function<void()> work = [this, request] {
      Finish({request.connection, Work(request.target)});
    };
    if (mode_ == "carry") return reprise::carry(std::move(work));
    if (mode_ == "asio") {
      // Posted here, where the request is known; the pool is held back until the batch is whole.
      boost::asio::post(asio_pool_, [this, work = std::move(work)] {
        std::unique_lock lock(mutex_);
        whole_.wait(lock, [this] { return begun_; });
        lock.unlock();
        work();
      });
      return [this] {
        const std::lock_guard lock(mutex_);
        begun_ = true;
        whole_.notify_all();
      };
    }
    return work;
  }

  void Finish(Response response) {
    {
      const std::lock_guard lock(mutex_);
      responses_.push_back(std::move(response));
    }
    ::eventfd_write(woken_, 1);
  }

  void Answer() {
    eventfd_t count = 0;
    ::eventfd_read(woken_, &count);
    std::unique_lock lock(mutex_);
    const std::vector<Response> responses = std::exchange(responses_, {});
    lock.unlock();
    for (const auto& [connection, body] : responses) {
      const std::string text =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      if (::write(connection, text.data(), text.size()) < 0) std::exit(1);
    }
  }

  const std::size_t batch_;
  const std::string mode_;
  const int woken_;
  int listener_ = -1;
  std::vector<int> connections_;
  std::vector<std::function<void()>> jobs_;  // of a batch that is not whole yet
  std::mutex mutex_;
  std::condition_variable whole_;
  bool begun_ = false;
  bool waits_ = false, released_ = false;  // Asio's thread, before there is work
  std::vector<Response> responses_;
  Pool pool_;
  boost::asio::thread_pool asio_pool_{1};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  Server(static_cast<std::uint16_t>(std::atoi(argv[1])), std::strtoul(argv[2], nullptr, 10),
         argv[3])
      .Run();
}
