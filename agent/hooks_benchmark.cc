// What a hook costs: each call through the agent and beside it, in one process.
//
//   bazel run -c opt //agent:hooks_benchmark
//
// Prints nanoseconds a call without and with, the difference and the ratio. The program runs itself
// again with the agent preloaded and drains the arena meanwhile, as a recorder would, on another
// processor if there is one. Figures swing with whatever else the machine does: the lower quartile
// of many short runs is shown.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "agent/abi/sdk.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

constexpr int kRuns = 31;
constexpr int kCallsInARun = 5000;

template <typename Function>
Function in_libc(const char* name) {
  static void* const libc = dlopen("libc.so.6", RTLD_NOW);
  return reinterpret_cast<Function>(dlsym(libc, name));
}

#define REPRISE_BESIDE(name) in_libc<decltype(&::name)>(#name)

std::int64_t now_ns() {
  static const auto read_clock = REPRISE_BESIDE(clock_gettime);
  timespec now{};
  read_clock(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

template <typename Call>
double run_ns(Call call) {
  const std::int64_t begin = now_ns();
  for (int i = 0; i < kCallsInARun; ++i) call();
  return static_cast<double>(now_ns() - begin) / kCallsInARun;
}

double lower_quartile(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 4];
}

// Runs of both take turns, so that a slow moment of the machine hits both.
template <typename Without, typename With>
void compare(const char* name, Without without, With with) {
  std::vector<double> plain;
  std::vector<double> hooked;
  for (int run = 0; run < kRuns; ++run) {
    plain.push_back(run_ns(without));
    hooked.push_back(run_ns(with));
  }
  const double a = lower_quartile(plain);
  const double b = lower_quartile(hooked);
  printf("%-34s %9.1f %9.1f %+9.1f %8.3f\n", name, a, b, b - a, b / a);
}

void compare_forwarded() {
  const auto plain_write = REPRISE_BESIDE(write);
  const auto plain_close = REPRISE_BESIDE(close);
  const int null = open("/dev/null", O_WRONLY);
  char byte = 0;
  compare(
      "write, no socket", [&] { (void)!plain_write(null, &byte, 1); },
      [&] { (void)!write(null, &byte, 1); });
  compare(
      "close, no descriptor", [&] { plain_close(-1); }, [&] { close(-1); });
  close(null);
}

void compare_clock() {
  const auto plain = REPRISE_BESIDE(clock_gettime);
  timespec now{};
  compare(
      "clock_gettime", [&] { plain(CLOCK_MONOTONIC, &now); },
      [&] { clock_gettime(CLOCK_MONOTONIC, &now); });
}

void compare_transfer(std::size_t size) {
  const auto plain_send = REPRISE_BESIDE(send);
  const auto plain_recv = REPRISE_BESIDE(recv);
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) abort();
  std::vector<char> bytes(size, 'x');
  const std::string name = "send and recv, " + std::to_string(size) + " B";
  compare(
      name.c_str(),
      [&] {
        plain_send(ends[0], bytes.data(), size, 0);
        plain_recv(ends[1], bytes.data(), size, 0);
      },
      [&] {
        send(ends[0], bytes.data(), size, 0);
        recv(ends[1], bytes.data(), size, 0);
      });
  close(ends[0]);
  close(ends[1]);
}

void compare_readiness() {
  const auto plain_poll = REPRISE_BESIDE(poll);
  const auto plain_wait = REPRISE_BESIDE(epoll_wait);
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) abort();
  pollfd ready{ends[0], POLLOUT, 0};
  compare(
      "poll, one ready", [&] { plain_poll(&ready, 1, 0); }, [&] { poll(&ready, 1, 0); });
  pollfd idle{ends[0], POLLIN, 0};
  compare(
      "poll, none ready", [&] { plain_poll(&idle, 1, 0); }, [&] { poll(&idle, 1, 0); });
  const int epoll = epoll_create1(0);
  epoll_event event{EPOLLOUT, {.ptr = &ends}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
  compare(
      "epoll_wait, one ready", [&] { plain_wait(epoll, &event, 1, 0); },
      [&] { epoll_wait(epoll, &event, 1, 0); });
}

using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*);

// Two threads that wake each other in turn. The other one waits by the function that `wait` is when
// it looks.
class PingPong {
 public:
  PingPong() : other_([this] { answer(); }) {}
  ~PingPong() {
    turn(kStop);
    other_.join();
  }
  void play(Wait wait) {
    wait_.store(wait);
    turn(kOther);
    pthread_mutex_lock(&mutex_);
    while (whose_ != kMine) wait(&changed_, &mutex_);
    pthread_mutex_unlock(&mutex_);
  }

 private:
  enum Whose { kMine, kOther, kStop };
  void turn(Whose whose) {
    pthread_mutex_lock(&mutex_);
    whose_ = whose;
    pthread_cond_broadcast(&changed_);
    pthread_mutex_unlock(&mutex_);
  }
  void answer() {
    pthread_mutex_lock(&mutex_);
    for (;;) {
      while (whose_ == kMine) wait_.load()(&changed_, &mutex_);
      if (whose_ == kStop) break;
      whose_ = kMine;
      pthread_cond_broadcast(&changed_);
    }
    pthread_mutex_unlock(&mutex_);
  }

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
  Whose whose_ = kMine;
  std::atomic<Wait> wait_ = &pthread_cond_wait;
  std::thread other_;
};

// The C library keeps an older form of this function under the same name.
void compare_condition() {
  static void* const libc = dlopen("libc.so.6", RTLD_NOW);
  const auto plain = reinterpret_cast<Wait>(dlvsym(libc, "pthread_cond_wait", "GLIBC_2.3.2"));
  PingPong game;
  compare(
      "two wake-ups by a condition", [&] { game.play(plain); },
      [&] { game.play(&pthread_cond_wait); });
}

// Nothing, and the record of a call with 16 bytes each way.
void compare_annotated() {
  const char bytes[] = "sixteen bytes...";
  reprise_answer answer{};
  compare(
      "annotated call, 16 B", [] {},
      [&] {
        reprise_call_begin("benchmark", bytes, 16, &answer);
        reprise_call_end(0, bytes, 16);
      });
}

int measure() {
  printf("%-34s %9s %9s %9s %8s\n", "ns a call", "without", "with", "more", "ratio");
  compare_forwarded();
  compare_clock();
  for (const std::size_t size : {200, 1024, 16384}) compare_transfer(size);
  compare_readiness();
  compare_condition();
  compare_annotated();
  return 0;
}

// Runs this program again inside a session, and drains.
int run_in_session(char** argv, const char* library) {
  testing::ArenaOptions options;
  options.segments = 1024;
  testing::TestArena arena(options);
  const pid_t service = fork();
  if (service == 0) {
    std::array<char, 4096> path{};
    if (realpath(library, path.data()) == nullptr) _exit(127);
    setenv("LD_PRELOAD", path.data(), 1);
    setenv(abi::kArenaVariable, arena.path().c_str(), 1);
    execv("/proc/self/exe", argv);
    _exit(127);
  }
  int status = 0;
  while (waitpid(service, &status, WNOHANG) == 0) {
    arena.discard();
    usleep(1000);
  }
  std::uint64_t dropped = 0;
  for (std::uint32_t i = 0; i < arena.header().thread_count; ++i) {
    dropped += arena.thread(i).dropped_records.load();
  }
  printf("records dropped: %lu\n", dropped);
  return status;
}

}  // namespace
}  // namespace reprise::agent

int main(int argc, char** argv) {
  if (getenv(reprise::abi::kArenaVariable) != nullptr) return reprise::agent::measure();
  return reprise::agent::run_in_session(argv, argc > 1 ? argv[1] : "agent/libreprise.so");
}
