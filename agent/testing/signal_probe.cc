// Signals: handled by the service, ignored, fatal; and handlers that interrupt hooks.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "agent/testing/loopback.h"

namespace {

using namespace reprise::agent::testing;

// An address that the compiler does not know to be none.
volatile std::uintptr_t nowhere = 16;
void write_nowhere() { *reinterpret_cast<volatile int*>(nowhere) = 1; }

volatile sig_atomic_t deliveries = 0;
volatile sig_atomic_t last_code = 0;

void show_sign() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
}

void plain_handler(int) {
  show_sign();
  deliveries = deliveries + 1;
}

void detailed_handler(int number, siginfo_t* information, void* context) {
  PROBE_EXPECT(number == SIGUSR2 && information != nullptr && context != nullptr);
  last_code = information->si_value.sival_int;
  deliveries = deliveries + 1;
}

// The service sees what it set, whatever stands before it.
int dispositions(int, char**) {
  struct sigaction seen {};
  PROBE_EXPECT(sigaction(SIGTERM, nullptr, &seen) == 0 && seen.sa_handler == SIG_DFL);
  PROBE_EXPECT(seen.sa_flags == 0);
  PROBE_EXPECT(signal(SIGUSR1, plain_handler) == SIG_DFL);
  PROBE_EXPECT(sigaction(SIGUSR1, nullptr, &seen) == 0 && seen.sa_handler == plain_handler);
  PROBE_EXPECT((seen.sa_flags & SA_RESTART) != 0 && (seen.sa_flags & SA_SIGINFO) == 0);
  struct sigaction detailed {};
  detailed.sa_sigaction = detailed_handler;
  detailed.sa_flags = SA_SIGINFO;
  sigaddset(&detailed.sa_mask, SIGHUP);
  PROBE_EXPECT(sigaction(SIGUSR2, &detailed, &seen) == 0 && seen.sa_handler == SIG_DFL);
  PROBE_EXPECT(sigaction(SIGUSR2, nullptr, &seen) == 0);
  PROBE_EXPECT(seen.sa_sigaction == detailed_handler && seen.sa_flags == SA_SIGINFO);
  PROBE_EXPECT(sigismember(&seen.sa_mask, SIGHUP) == 1);
  PROBE_EXPECT(raise(SIGUSR1) == 0 && deliveries == 1);
  PROBE_EXPECT(sigqueue(getpid(), SIGUSR2, {.sival_int = 42}) == 0);
  PROBE_EXPECT(deliveries == 2 && last_code == 42);
  PROBE_EXPECT(signal(SIGUSR1, SIG_IGN) == plain_handler);
  PROBE_EXPECT(raise(SIGUSR1) == 0 && deliveries == 2);
  PROBE_EXPECT(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
  PROBE_EXPECT(signal(SIGKILL, plain_handler) == SIG_ERR && errno == EINVAL);
  PROBE_EXPECT(signal(99, plain_handler) == SIG_ERR && errno == EINVAL);
  return 0;
}

// A handler that is to be called once only.
int once(int, char**) {
  struct sigaction action {};
  action.sa_handler = plain_handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  PROBE_EXPECT(sigaction(SIGCHLD, &action, nullptr) == 0);
  PROBE_EXPECT(raise(SIGCHLD) == 0 && raise(SIGCHLD) == 0);
  struct sigaction seen {};
  PROBE_EXPECT(sigaction(SIGCHLD, nullptr, &seen) == 0 && seen.sa_handler == SIG_DFL);
  return deliveries == 1 ? 0 : 1;
}

// Dies of a signal, by one of the ways there are.
int dies(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const std::string_view way = argv[0];
  show_sign();
  if (way == "segv") write_nowhere();
  if (way == "segv_default") {
    signal(SIGSEGV, plain_handler);
    signal(SIGSEGV, SIG_DFL);
    write_nowhere();
  }
  if (way == "abort") abort();
  if (way == "term") kill(getpid(), SIGTERM);
  if (way == "illegal") __builtin_trap();
  if (way == "pipe") {
    int ends[2];
    PROBE_EXPECT(pipe(ends) == 0);
    close(ends[0]);
    PROBE_EXPECT(write(ends[1], "x", 1) == -1);
  }
  if (way == "kill") kill(getpid(), SIGKILL);
  if (way == "thread") {
    pthread_t thread;
    auto work = [](void*) -> void* {
      write_nowhere();
      return nullptr;
    };
    pthread_create(&thread, nullptr, work, nullptr);
    pthread_join(thread, nullptr);
  }
  pause();
  return 1;
}

// A service that handles its own faults goes on.
sigjmp_buf recovery;

int recovers(int, char**) {
  signal(SIGSEGV, [](int) { siglongjmp(recovery, 1); });
  for (int round = 0; round < 3; ++round) {
    if (sigsetjmp(recovery, 1) == 0) write_nowhere();
  }
  show_sign();
  return 0;
}

// A handler that is there before the agent, as the runtimes of sanitizers set one.
void on_fault(int, siginfo_t* information, void*) {
  if (information->si_code > 0) _exit(3);
  deliveries = deliveries + 1;
}

void set_first(int argc, char** argv, char**) {
  if (argc < 2 || std::string_view(argv[1]) != "first") return;
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const before_constructors)(int, char**,
                                                                                char**) = set_first;

int first(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  PROBE_EXPECT(send(ends.client, reinterpret_cast<void*>(nowhere), 100, 0) == -1);
  PROBE_EXPECT(errno == EFAULT);
  struct sigaction seen {};
  PROBE_EXPECT(sigaction(SIGSEGV, nullptr, &seen) == 0 && seen.sa_sigaction == on_fault);
  PROBE_EXPECT((seen.sa_flags & SA_SIGINFO) != 0);
  PROBE_EXPECT(raise(SIGSEGV) == 0 && deliveries == 1);
  return 0;
}

// A timer interrupts transfers, again and again, with a handler that transfers itself.
int pair_of_handler[2];

int storm(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const Ends ends = connected_ends(listen_on_loopback());
  PROBE_EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair_of_handler) == 0);
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    const int before = errno;
    char byte = static_cast<char>('a' + deliveries % 26);
    if (write(pair_of_handler[0], &byte, 1) == 1) deliveries = deliveries + 1;
    char got;
    PROBE_EXPECT(read(pair_of_handler[1], &got, 1) == 1 && got == byte);
    errno = before;
  };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 50}, {0, 50}};
  setitimer(ITIMER_REAL, &often, nullptr);
  const int rounds = atoi(argv[0]);
  char out[900];
  char in[900];
  for (int round = 0; round < rounds; ++round) {
    memset(out, 'A' + round % 26, sizeof(out));
    const std::size_t size = 1 + static_cast<std::size_t>(round * 7) % sizeof(out);
    PROBE_EXPECT(send(ends.client, out, size, 0) == static_cast<ssize_t>(size));
    PROBE_EXPECT(recv(ends.server, in, size, MSG_WAITALL) == static_cast<ssize_t>(size));
    PROBE_EXPECT(memcmp(in, out, size) == 0);
  }
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  printf("deliveries %d\n", static_cast<int>(deliveries));
  return 0;
}

// What a child of fork and exec starts with is no handler of its parent's.
int inherited(int, char**) {
  signal(SIGUSR1, plain_handler);
  signal(SIGUSR2, SIG_IGN);
  const pid_t child = fork();
  if (child == 0) {
    PROBE_EXPECT(raise(SIGUSR1) == 0 && deliveries == 1);
    PROBE_EXPECT(raise(SIGUSR2) == 0);
    PROBE_EXPECT(signal(SIGUSR1, SIG_DFL) == plain_handler);
    raise(SIGUSR1);
    _exit(1);
  }
  int status = 0;
  PROBE_EXPECT(waitpid(child, &status, 0) == child);
  PROBE_EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"dispositions", dispositions},
    {"once", once},
    {"dies", dies},
    {"recovers", recovers},
    {"storm", storm},
    {"inherited", inherited},
    {"first", first},
};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
