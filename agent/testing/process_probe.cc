// Processes and threads: made in every way, ended in every way.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "agent/testing/loopback.h"

extern "C" pid_t _Fork() noexcept;

namespace {

using namespace reprise::agent::testing;

// A draw is how a process or thread shows that it is recorded.
void show_sign() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
}

int wait_for(pid_t child) {
  int status = 0;
  PROBE_EXPECT(waitpid(child, &status, 0) == child);
  PROBE_EXPECT(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// A child by one of the ways that duplicate the process.
int forked(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const std::string_view way = argv[0];
  show_sign();
  const pid_t child = way == "fork"    ? fork()
                      : way == "_Fork" ? _Fork()
                                       : static_cast<pid_t>(syscall(SYS_fork));
  if (child == 0) {
    show_sign();
    show_sign();
    _exit(5);
  }
  PROBE_EXPECT(wait_for(child) == 5);
  show_sign();
  return 0;
}

// A handler of pthread_atfork is the first in the child to call a hook.
int atfork(int, char**) {
  pthread_atfork(nullptr, nullptr, show_sign);
  const pid_t child = fork();
  if (child == 0) _exit(5);
  return wait_for(child) == 5 ? 0 : 1;
}

// Another program, by one of the ways that start one. argv[1]… is its command.
int started(int argc, char** argv) {
  PROBE_EXPECT(argc >= 2);
  const std::string_view way = argv[0];
  char** command = argv + 1;
  char* nothing[] = {nullptr};
  pid_t child = -1;
  if (way == "posix_spawn") {
    PROBE_EXPECT(posix_spawn(&child, command[0], nullptr, nullptr, command, nothing) == 0);
  } else if (way == "posix_spawnp") {
    PROBE_EXPECT(posix_spawnp(&child, command[0], nullptr, nullptr, command, environ) == 0);
  } else if (way == "vfork") {
    const int before = connected_ends(listen_on_loopback()).client;
    child = vfork();
    if (child == 0) {
      close(before);
      execve(command[0], command, nothing);
      _exit(98);
    }
    PROBE_EXPECT(send(before, "still mine", 10, 0) == 10);
  } else if (way == "system") {
    const int status = system(command[0]);
    PROBE_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
  } else {
    child = fork();
    if (child == 0) {
      if (way == "execv") execv(command[0], command);
      if (way == "execve") execve(command[0], command, nothing);
      if (way == "execvp") execvp(command[0], command);
      if (way == "execvpe") execvpe(command[0], command, nothing);
      if (way == "execl") execl(command[0], command[0], nullptr);
      if (way == "execlp") execlp(command[0], command[0], nullptr);
      if (way == "execle") execle(command[0], command[0], nullptr, nothing);
      if (way == "fexecve") fexecve(open(command[0], O_RDONLY), command, nothing);
      if (way == "execveat") execveat(AT_FDCWD, command[0], command, nothing, 0);
      _exit(98);
    }
  }
  PROBE_EXPECT(wait_for(child) == 0);
  show_sign();
  return 0;
}

// This process itself becomes another program; when that fails it goes on.
int becomes(int argc, char** argv) {
  PROBE_EXPECT(argc >= 1);
  show_sign();
  execv(argv[0], argv);
  show_sign();
  return 6;
}

int ends(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const std::string_view way = argv[0];
  if (way == "exit") exit(3);
  if (way == "_exit") _exit(3);
  if (way == "_Exit") _Exit(3);
  if (way == "quick_exit") quick_exit(3);
  if (way == "exit_group") syscall(SYS_exit_group, 3);
  return 3;
}

// --- Threads -------------------------------------------------------------------------------------

void* show_and_return(void*) {
  show_sign();
  return nullptr;
}

void* show_and_exit(void*) {
  show_sign();
  pthread_exit(nullptr);
}

void* show_and_wait(void*) {
  show_sign();
  for (;;) pause();
}

// Threads that end by returning, by pthread_exit and by cancellation; one that makes another.
int threads(int, char**) {
  pthread_t thread;
  PROBE_EXPECT(pthread_create(&thread, nullptr, show_and_return, nullptr) == 0);
  pthread_join(thread, nullptr);
  PROBE_EXPECT(pthread_create(&thread, nullptr, show_and_exit, nullptr) == 0);
  pthread_join(thread, nullptr);
  PROBE_EXPECT(pthread_create(&thread, nullptr, show_and_wait, nullptr) == 0);
  pthread_cancel(thread);
  void* result = nullptr;
  pthread_join(thread, &result);
  PROBE_EXPECT(result == PTHREAD_CANCELED);
  auto nested = [](void*) -> void* {
    pthread_t inner;
    PROBE_EXPECT(pthread_create(&inner, nullptr, show_and_return, nullptr) == 0);
    pthread_join(inner, nullptr);
    return nullptr;
  };
  PROBE_EXPECT(pthread_create(&thread, nullptr, nested, nullptr) == 0);
  pthread_join(thread, nullptr);
  return 0;
}

// The smallest stack there is is enough for the agent too.
int small_stack(int, char**) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  PROBE_EXPECT(pthread_attr_setstacksize(&attributes, 16384) == 0);
  pthread_t thread;
  auto work = [](void*) -> void* {
    const Ends both = connected_ends(listen_on_loopback());
    PROBE_EXPECT(send(both.client, "small", 5, 0) == 5);
    char got[5];
    PROBE_EXPECT(recv(both.server, got, 5, 0) == 5);
    return nullptr;
  };
  PROBE_EXPECT(pthread_create(&thread, &attributes, work, nullptr) == 0);
  pthread_join(thread, nullptr);
  return 0;
}

// More threads one after the other than there are slots.
int many_threads(int, char**) {
  for (int i = 0; i < 500; ++i) {
    pthread_t thread;
    PROBE_EXPECT(pthread_create(&thread, nullptr, show_and_return, nullptr) == 0);
    pthread_join(thread, nullptr);
  }
  return 0;
}

// More threads at once than there are slots.
int crowd(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  std::vector<pthread_t> all(std::strtoul(argv[0], nullptr, 10));
  static pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, static_cast<unsigned>(all.size()));
  auto work = [](void*) -> void* {
    show_sign();
    pthread_barrier_wait(&barrier);
    return nullptr;
  };
  for (pthread_t& thread : all) PROBE_EXPECT(pthread_create(&thread, nullptr, work, nullptr) == 0);
  for (const pthread_t& thread : all) pthread_join(thread, nullptr);
  return 0;
}

// A destructor of thread-specific data is the last to call a hook.
int late_destructor(int, char**) {
  static pthread_key_t key;
  pthread_key_create(&key, [](void*) { show_sign(); });
  pthread_t thread;
  auto work = [](void*) -> void* {
    pthread_setspecific(key, &key);
    return nullptr;
  };
  PROBE_EXPECT(pthread_create(&thread, nullptr, work, nullptr) == 0);
  pthread_join(thread, nullptr);
  return 0;
}

// A task that shares memory and thread-local storage, made by clone itself.
int raw_clone(int, char**) {
  show_sign();
  static char stack[65536];
  auto work = [](void*) -> int {
    show_sign();
    return 0;
  };
  const pid_t task = clone(work, stack + sizeof(stack), CLONE_VM | SIGCHLD, nullptr);
  PROBE_EXPECT(task > 0);
  PROBE_EXPECT(wait_for(task) == 0);
  show_sign();
  return 0;
}

int daemon_like(int, char**) {
  const pid_t child = fork();
  if (child != 0) return wait_for(child);
  setsid();
  for (int fd = 0; fd < 1024; ++fd) close(fd);
  PROBE_EXPECT(chdir("/") == 0);
  const int null = open("/dev/null", O_RDWR);
  PROBE_EXPECT(null == 0 && dup(0) == 1 && dup(0) == 2);
  const Ends both = connected_ends(listen_on_loopback());
  PROBE_EXPECT(send(both.client, "daemon", 6, 0) == 6);
  exit(0);
}

int hello(int, char**) {
  show_sign();
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"forked", forked},
    {"atfork", atfork},
    {"started", started},
    {"becomes", becomes},
    {"ends", ends},
    {"threads", threads},
    {"crowd", crowd},
    {"small_stack", small_stack},
    {"many_threads", many_threads},
    {"hello", hello},
    {"raw_clone", raw_clone},
    {"late_destructor", late_destructor},
    {"daemon_like", daemon_like},
};

}  // namespace

int main(int argc, char** argv) {
  // Ways that take no arguments start the probe without any.
  if (argc == 1) return hello(0, nullptr);
  return run_probe(kCases, argc, argv);
}
