// A service that makes system calls in the way its arguments name.
//
//   hooked        through the C library
//   raw           by its own system call instructions
//   vdso          by the functions the kernel maps into it
//   exec WAY      as another program that it becomes
//   spawn WAY     as another program that a child becomes
#include <dlfcn.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "agent/world/substitute/testing/probe.h"

namespace {

long raw_call(long number, long a = 0, long b = 0, long c = 0) {
  long result = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c)
               : "rcx", "r11", "memory");
  return result;
}

// A signal that is already pending ends the pause.
void pause_for_signal() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);
  sigset_t held, none;
  sigemptyset(&none);
  sigemptyset(&held);
  sigaddset(&held, SIGUSR1);
  sigprocmask(SIG_BLOCK, &held, nullptr);
  raise(SIGUSR1);
  sigsuspend(&none);
}

// While a timer is armed, the wait for a child is cut into pauses.
void wait_for_child() {
  int ends[2];
  if (pipe(ends) != 0) return;
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
  }
  alarm(3600);
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  std::thread([&] {
    usleep(0);
    if (write(ends[1], "x", 1) != 1) tell("write", "failed");
  }).detach();
  if (waitpid(child, nullptr, 0) != child) tell("waitpid", "failed");
  alarm(0);
}

void use_hooks() {
  read_clock(CLOCK_REALTIME);
  read_clock(CLOCK_THREAD_CPUTIME_ID);
  timeval now = {};
  gettimeofday(&now, nullptr);
  time(nullptr);
  char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) tell("getrandom", "failed");
  if (getentropy(bytes, sizeof bytes) != 0) tell("getentropy", "failed");
  usleep(0);
  poll(nullptr, 0, 0);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  address.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1
  tell("connect", connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0
                      ? "connected"
                      : strerrorname_np(errno));
  if (syscall(SYS_getrandom, bytes, sizeof bytes, 0) != sizeof bytes) tell("syscall", "failed");
  pause_for_signal();
  wait_for_child();
  std::thread([] { std::vector<char>(1 << 20).clear(); }).join();
  tell("hooked", 1LL);
}

void use_instructions() {
  timespec now = {};
  tell("clock", raw_call(SYS_clock_gettime, CLOCK_REALTIME, reinterpret_cast<long>(&now)));
  tell("real", now.tv_sec > 1'700'000'000 ? 1 : 0);
  char bytes[16];
  tell("random", raw_call(SYS_getrandom, reinterpret_cast<long>(bytes), sizeof bytes));
  tell("socket", raw_call(SYS_socket, AF_INET, SOCK_STREAM) >= 0 ? 1 : 0);
}

void use_vdso() {
  void* vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
  const auto clock = reinterpret_cast<int (*)(clockid_t, timespec*)>(
      vdso != nullptr ? dlsym(vdso, "__vdso_clock_gettime") : nullptr);
  if (clock == nullptr) return tell("vdso", "missing");
  timespec now = {};
  tell("vdso", clock(CLOCK_REALTIME, &now));
  tell("real", now.tv_sec > 1'700'000'000 ? 1 : 0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string way = argc > 1 ? argv[1] : "";
  if (way == "hooked") use_hooks();
  if (way == "raw") use_instructions();
  if (way == "vdso") use_vdso();
  if (way == "exec" && argc > 2) execl(argv[0], argv[0], argv[2], nullptr);
  if (way == "spawn" && argc > 2) {
    const pid_t child = fork();
    if (child == 0) {
      execl(argv[0], argv[0], argv[2], nullptr);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }
  return 0;
}
