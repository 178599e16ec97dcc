// A service that waits in the way its first argument names, and tells how that ended.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "agent/world/substitute/testing/probe.h"

namespace {

constexpr long kHour = 3600;
constexpr int kHourMs = 3'600'000;

timespec in_an_hour(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  time.tv_sec += kHour;
  return time;
}

void tell_result(const char* name, long result) {
  tell(name, result < 0 ? strerrorname_np(errno) : std::to_string(result).c_str());
}
void tell_error(const char* name, int error) {
  tell(name, error == 0 ? "0" : strerrorname_np(error));
}

volatile sig_atomic_t handled = 0;
void handle(int flags, int number = SIGUSR1) {
  struct sigaction action = {};
  action.sa_handler = [](int) { handled = handled + 1; };
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

// --- Sleeps and readiness
// ----------------------------------------------------------------------------

void probe_nanosleep() {
  const timespec hour = {kHour, 0};
  tell_result("nanosleep", nanosleep(&hour, nullptr));
}
void probe_clock_nanosleep() {
  const timespec until = in_an_hour(CLOCK_REALTIME);
  tell_error("clock_nanosleep", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr));
}
void probe_sleep() { tell("sleep", static_cast<long long>(sleep(kHour))); }
void probe_usleep() { tell_result("usleep", usleep(999'999)); }
void probe_interrupted_sleep() {
  handle(SA_RESTART);
  const timespec hour = {kHour, 0};
  timespec left = {};
  tell_result("nanosleep", nanosleep(&hour, &left));
  tell("left", left.tv_sec);
  tell("handled", handled);
}

void probe_poll() {
  int ends[2];
  if (pipe(ends) != 0) return;
  pollfd polled = {ends[0], POLLIN, 0};
  tell_result("poll", poll(&polled, 1, kHourMs));
}
void probe_poll_interrupted() {
  handle(SA_RESTART);
  tell_result("poll", poll(nullptr, 0, kHourMs));
}
void probe_select() {
  timeval hour = {kHour, 0};
  tell_result("select", select(0, nullptr, nullptr, nullptr, &hour));
  tell("left", hour.tv_sec);
}
void probe_pselect() {
  const timespec hour = {kHour, 0};
  sigset_t none;
  sigemptyset(&none);
  tell_result("pselect", pselect(0, nullptr, nullptr, nullptr, &hour, &none));
}
void probe_epoll() {
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  tell_result("epoll_wait", epoll_wait(epoll, &event, 1, kHourMs));
}
void probe_epoll_masked() {
  handle(0);
  sigset_t blocked, open;
  sigemptyset(&open);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  raise(SIGUSR1);
  tell("before", handled);
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  tell_result("epoll_pwait", epoll_pwait(epoll, &event, 1, kHourMs, &open));
  tell("after", handled);
}
void probe_epoll_event() {
  int ends[2];
  if (pipe(ends) != 0) return;
  const int epoll = epoll_create1(0);
  epoll_event event = {EPOLLIN, {}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
  std::thread writer([&] {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    if (write(ends[1], "x", 1) != 1) tell("write", "failed");
  });
  tell_result("epoll_wait", epoll_wait(epoll, &event, 1, 2 * kHourMs));
  writer.join();
}

// --- Locks
// -------------------------------------------------------------------------------------------

void probe_condition(clockid_t clock) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, clock);
  pthread_cond_t condition;
  pthread_cond_init(&condition, &attributes);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  const timespec until = in_an_hour(clock);
  tell_error("timedwait", pthread_cond_timedwait(&condition, &mutex, &until));
  tell_error("owned", pthread_mutex_unlock(&mutex));
}
void probe_condition_realtime() { probe_condition(CLOCK_REALTIME); }
void probe_condition_monotonic() { probe_condition(CLOCK_MONOTONIC); }
void probe_condition_variable() {
  std::mutex mutex;
  std::condition_variable condition;
  std::unique_lock lock(mutex);
  const auto status = condition.wait_for(lock, std::chrono::hours(1));
  tell("wait_for", status == std::cv_status::timeout ? "timeout" : "woken");
}
// Waiters are woken in the order in which they came, one by each signal.
void probe_condition_order() {
  std::mutex mutex;
  std::condition_variable condition;
  int waiting = 0;
  std::string order;
  const auto waiter = [&](char name) {
    std::unique_lock lock(mutex);
    ++waiting;
    condition.wait(lock);
    order += name;
    --waiting;
  };
  std::thread threads[3];
  for (int i = 0; i < 3; ++i) {
    threads[i] = std::thread(waiter, static_cast<char>('a' + i));
    for (;;) {
      const std::lock_guard lock(mutex);
      if (waiting == i + 1) break;
    }
  }
  for (int i = 0; i < 3; ++i) {
    {
      const std::lock_guard lock(mutex);
      condition.notify_one();
    }
    for (;;) {
      const std::lock_guard lock(mutex);
      if (waiting == 2 - i) break;
    }
  }
  for (std::thread& thread : threads) thread.join();
  tell("order", order.c_str());
}
// A signal without the mutex while the waiter's slices come and go: none is lost.
void probe_condition_storm() {
  std::mutex mutex;
  std::condition_variable condition;
  int produced = 0, consumed = 0;
  constexpr int kRounds = 5'000;
  std::thread consumer([&] {
    std::unique_lock lock(mutex);
    while (consumed < kRounds) {
      while (produced == consumed) condition.wait_for(lock, std::chrono::hours(100));
      ++consumed;
      condition.notify_all();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    {
      std::unique_lock lock(mutex);
      condition.wait(lock, [&] { return produced == consumed; });
      ++produced;
    }
    condition.notify_all();
  }
  consumer.join();
  tell("consumed", consumed);
}
void probe_condition_cancel() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        pthread_mutex_lock(&mutex);
        pthread_cleanup_push(
            [](void*) { tell_error("owned in clean-up", pthread_mutex_unlock(&mutex)); }, nullptr);
        tell("waiting", 1LL);
        pthread_cond_wait(&condition, &mutex);
        pthread_cleanup_pop(1);
        return nullptr;
      },
      nullptr);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  char go = 0;
  if (read(STDIN_FILENO, &go, 1) < 0) tell("read", "failed");
  pthread_cancel(thread);
  void* result = nullptr;
  pthread_join(thread, &result);
  tell("cancelled", result == PTHREAD_CANCELED ? 1 : 0);
}
void probe_timedlock() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  std::thread([&] {
    const timespec until = in_an_hour(CLOCK_REALTIME);
    tell_error("timedlock", pthread_mutex_timedlock(&mutex, &until));
  }).join();
}
void probe_mutex() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  std::thread other([&] { tell_error("lock", pthread_mutex_lock(&mutex)); });
  const timespec hour = {kHour, 0};
  nanosleep(&hour, nullptr);
  pthread_mutex_unlock(&mutex);
  other.join();
}
void probe_semaphore() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  const timespec until = in_an_hour(CLOCK_REALTIME);
  tell_result("sem_timedwait", sem_timedwait(&semaphore, &until));
}
void probe_semaphore_posted() {
  static sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  std::thread other([] { tell_result("sem_wait", sem_wait(&semaphore)); });
  const timespec hour = {kHour, 0};
  nanosleep(&hour, nullptr);
  sem_post(&semaphore);
  other.join();
}

// --- Descriptors
// -------------------------------------------------------------------------------------

void probe_receive_timeout() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
  const timeval hour = {kHour, 0};
  tell_result("setsockopt", setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &hour, sizeof hour));
  timeval told = {};
  socklen_t length = sizeof told;
  tell_result("getsockopt", getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &told, &length));
  tell("told", told.tv_sec);
  char byte = 0;
  tell_result("recv", recv(ends[0], &byte, 1, 0));
}
void probe_send_timeout() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
  const timeval hour = {kHour, 0};
  setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &hour, sizeof hour);
  const std::string bytes(1 << 20, 'x');
  const ssize_t sent = send(ends[0], bytes.data(), bytes.size(), 0);
  tell("sent a part", sent > 0 && sent < static_cast<ssize_t>(bytes.size()) ? 1 : 0);
  tell_result("send", send(ends[0], bytes.data(), bytes.size(), 0));
}
void probe_blocking_send() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
  const std::string bytes(1 << 20, 'x');
  std::string all;
  std::thread reader([&] {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    char buffer[65536];
    while (all.size() < bytes.size()) {
      const ssize_t length = read(ends[1], buffer, sizeof buffer);
      if (length <= 0) break;
      all.append(buffer, static_cast<std::size_t>(length));
    }
  });
  tell_result("write", write(ends[0], bytes.data(), bytes.size()));
  reader.join();
  tell("whole", all == bytes ? 1 : 0);
}
void probe_read() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
  std::thread writer([&] {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    if (write(ends[1], "x", 1) != 1) tell("write", "failed");
  });
  char byte = 0;
  tell_result("read", read(ends[0], &byte, 1));
  writer.join();
}
void probe_read_signal(int flags) {
  handle(flags);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
  std::thread writer([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    if (write(ends[1], "x", 1) != 1) tell("write", "failed");
  });
  char byte = 0;
  tell_result("read", read(ends[0], &byte, 1));
  tell("handled", handled);
  writer.join();
}
void probe_read_restarted() { probe_read_signal(SA_RESTART); }
void probe_read_interrupted() { probe_read_signal(0); }

// --- Timers
// ------------------------------------------------------------------------------------------

void probe_timerfd() {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  const itimerspec every_hour = {{kHour, 0}, {kHour, 0}};
  timerfd_settime(timer, 0, &every_hour, nullptr);
  itimerspec left = {};
  timerfd_gettime(timer, &left);
  tell("left", left.it_value.tv_sec);
  const int epoll = epoll_create1(0);
  epoll_event event = {EPOLLIN, {}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  tell_result("epoll_wait", epoll_wait(epoll, &event, 1, -1));
  std::uint64_t expirations = 0;
  tell_result("read", read(timer, &expirations, sizeof expirations));
  tell("expirations", static_cast<long long>(expirations));
  tell_result("again", read(timer, &expirations, sizeof expirations));
}
void probe_timerfd_blocking() {
  const int timer = timerfd_create(CLOCK_REALTIME, 0);
  itimerspec once = {};
  once.it_value = in_an_hour(CLOCK_REALTIME);
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &once, nullptr);
  std::uint64_t expirations = 0;
  tell_result("read", read(timer, &expirations, sizeof expirations));
  tell("expirations", static_cast<long long>(expirations));
}
void probe_alarm() {
  handle(0, SIGALRM);
  tell("before", alarm(kHour));
  tell("pending", alarm(kHour));
  tell_result("pause", pause());
  tell("handled", handled);
}
void probe_setitimer() {
  handle(0, SIGALRM);
  const itimerval hourly = {{kHour, 0}, {kHour, 0}};
  setitimer(ITIMER_REAL, &hourly, nullptr);
  while (handled < 3) pause();
  tell("handled", handled);
  itimerval left = {};
  getitimer(ITIMER_REAL, &left);
  tell("left", left.it_value.tv_sec);
}
void probe_timer() {
  handle(0, SIGUSR2);
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR2;
  timer_t timer = {};
  tell_result("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
  const itimerspec once = {{0, 0}, {kHour, 0}};
  tell_result("timer_settime", timer_settime(timer, 0, &once, nullptr));
  while (handled == 0) pause();
  tell("handled", handled);
  timer_delete(timer);
}

// --- System calls by number
// --------------------------------------------------------------------------

void probe_numbered_futex() {
  static std::uint32_t word = 0;
  const timespec hour = {kHour, 0};
  tell_result("other value", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 7, &hour));
  tell_result("futex", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &hour));
}
void probe_numbered_futex_until() {
  static std::uint32_t word = 0;
  const timespec until = in_an_hour(CLOCK_MONOTONIC);
  tell_result("futex", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, nullptr,
                               FUTEX_BITSET_MATCH_ANY));
}
void probe_numbered_sleep() {
  const timespec hour = {kHour, 0};
  tell_result("nanosleep", syscall(SYS_nanosleep, &hour, nullptr));
}
void probe_numbered_poll() {
  timespec hour = {kHour, 0};
  tell_result("ppoll", syscall(SYS_ppoll, nullptr, 0, &hour, nullptr, 8));
  tell("left", hour.tv_sec);
}
void probe_atomic_wait() {
  std::atomic<int> value = 0;
  std::thread other([&] {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    value = 1;
    value.notify_one();
  });
  value.wait(0);
  tell("value", value.load());
  other.join();
}

// --- Others
// ------------------------------------------------------------------------------------------

void probe_join() {
  std::thread other([] {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
  });
  other.join();
  tell("joined", 1LL);
}
// A thread that is joined while it is busy in a destructor, in the last round of them, where the
// agent has already seen its end.
std::atomic<bool> may_end{false};
pthread_key_t last_key;
void end_slowly(void* rounds) {
  const long round = reinterpret_cast<long>(rounds);
  if (round < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(last_key, reinterpret_cast<void*>(round + 1));
    return;
  }
  while (!may_end) {
  }
}
void probe_slow_end() {
  pthread_key_create(&last_key, end_slowly);
  std::thread sleeper([] {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    may_end = true;
  });
  std::thread other([] { pthread_setspecific(last_key, reinterpret_cast<void*>(1L)); });
  other.join();
  sleeper.join();
  tell("joined", 2LL);
}
void probe_child() {
  const pid_t child = fork();
  if (child == 0) {
    const timespec hour = {kHour, 0};
    nanosleep(&hour, nullptr);
    _exit(7);
  }
  int status = 0;
  tell("waited", waitpid(child, &status, 0) == child ? 1 : 0);
  tell("status", WEXITSTATUS(status));
}
void probe_sigwait() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const timespec hour = {kHour, 0};
  tell_result("sigtimedwait", sigtimedwait(&set, nullptr, &hour));
  int number = 0;
  tell("ready", 1LL);
  tell_error("sigwait", sigwait(&set, &number));
  tell("number", number);
}
// Reads the clock until it has moved by a millisecond, without ever waiting.
void probe_spin() {
  const long long start = read_clock(CLOCK_MONOTONIC);
  while (read_clock(CLOCK_MONOTONIC) < start + 1'000'000) {
  }
  tell("spun", 1LL);
}

// A thread wakes another one through a pipe that was closed meanwhile.
void probe_no_descriptor() {
  char byte = 'x';
  tell_result("read", read(-1, &byte, 1));
  tell_result("write", write(-1, &byte, 1));
}

const std::map<std::string, void (*)()> kProbes = {
    {"nanosleep", probe_nanosleep},
    {"clock_nanosleep", probe_clock_nanosleep},
    {"sleep", probe_sleep},
    {"usleep", probe_usleep},
    {"interrupted_sleep", probe_interrupted_sleep},
    {"poll", probe_poll},
    {"poll_interrupted", probe_poll_interrupted},
    {"select", probe_select},
    {"pselect", probe_pselect},
    {"epoll", probe_epoll},
    {"epoll_masked", probe_epoll_masked},
    {"epoll_event", probe_epoll_event},
    {"condition_realtime", probe_condition_realtime},
    {"condition_monotonic", probe_condition_monotonic},
    {"condition_variable", probe_condition_variable},
    {"condition_order", probe_condition_order},
    {"condition_storm", probe_condition_storm},
    {"condition_cancel", probe_condition_cancel},
    {"timedlock", probe_timedlock},
    {"mutex", probe_mutex},
    {"semaphore", probe_semaphore},
    {"semaphore_posted", probe_semaphore_posted},
    {"receive_timeout", probe_receive_timeout},
    {"send_timeout", probe_send_timeout},
    {"blocking_send", probe_blocking_send},
    {"read", probe_read},
    {"read_restarted", probe_read_restarted},
    {"read_interrupted", probe_read_interrupted},
    {"timerfd", probe_timerfd},
    {"timerfd_blocking", probe_timerfd_blocking},
    {"alarm", probe_alarm},
    {"setitimer", probe_setitimer},
    {"timer", probe_timer},
    {"numbered_futex", probe_numbered_futex},
    {"numbered_futex_until", probe_numbered_futex_until},
    {"numbered_sleep", probe_numbered_sleep},
    {"numbered_poll", probe_numbered_poll},
    {"atomic_wait", probe_atomic_wait},
    {"join", probe_join},
    {"slow_end", probe_slow_end},
    {"child", probe_child},
    {"sigwait", probe_sigwait},
    {"spin", probe_spin},
    {"no_descriptor", probe_no_descriptor},
};

}  // namespace

int main(int argc, char** argv) {
  const auto probe = argc > 1 ? kProbes.find(argv[1]) : kProbes.end();
  if (probe == kProbes.end()) return 2;
  probe->second();
  return 0;
}
