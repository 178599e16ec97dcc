// Counts what the agent's own work calls: memory, dlsym, locks.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "agent/testing/loopback.h"

namespace {
std::atomic<int> calls{0};
}

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void __libc_free(void* block);

// These come before the C library's for every object of the process.
void* malloc(std::size_t size) {
  calls.fetch_add(1);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  calls.fetch_add(1);
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  calls.fetch_add(1);
  return __libc_realloc(block, size);
}
void free(void* block) {
  calls.fetch_add(1);
  __libc_free(block);
}
void* dlsym(void*, const char*) {
  calls.fetch_add(1);
  return nullptr;
}
int pthread_mutex_lock(pthread_mutex_t* mutex) {
  calls.fetch_add(1);
  return pthread_mutex_trylock(mutex);
}
int pthread_once(pthread_once_t*, void (*)()) {
  calls.fetch_add(1);
  return 0;
}
}

namespace {

using namespace reprise::agent::testing;

void transfer_all(const Listener& listener) {
  const Ends ends = connected_ends(listener);
  char buffer[3000] = {};
  for (int round = 0; round < 100; ++round) {
    PROBE_EXPECT(send(ends.client, buffer, sizeof(buffer), 0) == sizeof(buffer));
    PROBE_EXPECT(recv(ends.server, buffer, sizeof(buffer), MSG_WAITALL) == sizeof(buffer));
  }
  const int copy = dup(ends.client);
  const int epoll = epoll_create1(0);
  epoll_event event{EPOLLOUT, {.fd = copy}};
  PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event) == 0);
  PROBE_EXPECT(epoll_wait(epoll, &event, 1, -1) == 1);
  pollfd polled{copy, POLLOUT, 0};
  PROBE_EXPECT(poll(&polled, 1, -1) == 1);
  close(copy);
  close(epoll);
  close(ends.client);
  close(ends.server);
}

void draw_all() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  char bytes[8];
  PROBE_EXPECT(getrandom(bytes, 8, 0) == 8);
  const int device = open("/dev/urandom", O_RDONLY);
  PROBE_EXPECT(read(device, bytes, 8) == 8);
  close(device);
}

// Every kind of hook, the first of its kind in the process included.
int quiet(int, char**) {
  calls = 0;
  const Listener listener = listen_on_loopback();
  transfer_all(listener);
  draw_all();
  PROBE_EXPECT(write(1, "line\n", 5) == 5);
  signal(SIGUSR1, [](int) {});
  raise(SIGUSR1);
  PROBE_EXPECT(calls == 0);
  const pid_t child = fork();
  if (child == 0) {
    const int before = calls;
    transfer_all(listener);
    draw_all();
    _exit(calls == before ? 0 : 1);
  }
  int status = 0;
  PROBE_EXPECT(waitpid(child, &status, 0) == child && status == 0);
  // What the C library allocates for a thread is not the agent's; what the thread does is.
  pthread_t thread;
  auto work = [](void* argument) -> void* {
    const int before = calls;
    transfer_all(*static_cast<const Listener*>(argument));
    draw_all();
    return calls == before ? nullptr : argument;
  };
  PROBE_EXPECT(pthread_create(&thread, nullptr, work, const_cast<Listener*>(&listener)) == 0);
  void* failed = nullptr;
  pthread_join(thread, &failed);
  PROBE_EXPECT(failed == nullptr);
  return 0;
}

// errno is the C function's: untouched by success, its own after failure.
int error_numbers(int, char**) {
  errno = 4242;
  const Listener listener = listen_on_loopback();
  transfer_all(listener);
  draw_all();
  const Ends ends = connected_ends(listener);
  int outcome = 0;
  socklen_t length = sizeof(outcome);
  PROBE_EXPECT(getsockopt(ends.client, SOL_SOCKET, SO_ERROR, &outcome, &length) == 0);
  PROBE_EXPECT(shutdown(ends.client, SHUT_WR) == 0);
  PROBE_EXPECT(signal(SIGUSR1, [](int) { errno = 4242; }) == SIG_DFL);
  PROBE_EXPECT(raise(SIGUSR1) == 0);
  PROBE_EXPECT(fcntl(ends.client, F_SETFL, O_NONBLOCK) == 0);
  const pid_t child = fork();
  if (child == 0) _exit(errno == 4242 ? 0 : 1);
  PROBE_EXPECT(errno == 4242);
  int status = 0;
  PROBE_EXPECT(waitpid(child, &status, 0) == child && status == 0);
  pthread_t thread;
  auto work = [](void*) -> void* { return nullptr; };
  PROBE_EXPECT(pthread_create(&thread, nullptr, work, nullptr) == 0);
  pthread_join(thread, nullptr);
  PROBE_EXPECT(close(ends.client) == 0);
  PROBE_EXPECT(errno == 4242);

  epoll_event event{};
  void* volatile nowhere = nullptr;
  PROBE_EXPECT(read(-1, &outcome, 1) == -1 && errno == EBADF);
  PROBE_EXPECT(close(12345) == -1 && errno == EBADF);
  PROBE_EXPECT(listen(ends.server, 1) == -1 && errno == EINVAL);
  PROBE_EXPECT(accept(ends.server, nullptr, nullptr) == -1 && errno == EINVAL);
  PROBE_EXPECT(dup2(-1, 5) == -1 && errno == EBADF);
  PROBE_EXPECT(epoll_wait(-1, &event, 1, 0) == -1 && errno == EBADF);
  PROBE_EXPECT(getrandom(nowhere, 8, 0) == -1 && errno == EFAULT);
  PROBE_EXPECT(open("/nonexistent", O_RDONLY) == -1 && errno == ENOENT);
  PROBE_EXPECT(fopen("/nonexistent", "r") == nullptr && errno == ENOENT);
  return 0;
}

constexpr ProbeCase kCases[] = {{"quiet", quiet}, {"error_numbers", error_numbers}};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
