// A program that makes the agent's start as hard as it can be.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "agent/testing/loopback.h"

namespace {
int allocations = 0;
bool depth = false;
}  // namespace

// An allocator that reads the clock, as jemalloc does: if the clock's hook allocated, it would
// never end.
extern "C" {
void* __libc_malloc(std::size_t size);
void* malloc(std::size_t size) {
  if (depth) abort();
  depth = true;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  ++allocations;
  depth = false;
  return __libc_malloc(size);
}
}

namespace {

using namespace reprise::agent::testing;

// Runs while the dynamic linker relocates, before any constructor.
extern "C" int answer_of_resolver() { return 42; }
extern "C" int (*resolve_answer())() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return answer_of_resolver;
}
int answer() __attribute__((ifunc("resolve_answer")));

// Runs before the agent's constructor would, were it not started by its first hook.
int early_listener = -1;
__attribute__((constructor(101))) void begin() { early_listener = listen_on_loopback().fd; }

int early(int, char**) {
  PROBE_EXPECT(answer() == 42);
  PROBE_EXPECT(early_listener >= 0);
  free(malloc(100));
  PROBE_EXPECT(allocations > 0);
  return 0;
}

int io_uring(int, char**) {
  char parameters[120] = {};
  PROBE_EXPECT(syscall(SYS_io_uring_setup, 8, parameters) == -1 && errno == ENOSYS);
  PROBE_EXPECT(syscall(SYS_getppid) == getppid());
  PROBE_EXPECT(syscall(SYS_close, -1) == -1 && errno == EBADF);
  return 0;
}

// Opens files of a directory in every way, those of the start and, after a client, one more.
int files(int, char** arguments) {
  PROBE_EXPECT(chdir(arguments[0]) == 0);
  const std::string directory = std::string(arguments[0]) + "/";
  PROBE_EXPECT(open((directory + "by_open").c_str(), O_RDONLY) >= 0);
  const int here = open(".", O_RDONLY | O_DIRECTORY);
  PROBE_EXPECT(openat(here, "by_openat", O_RDWR) >= 0);
  PROBE_EXPECT(fopen("by_fopen", "r") != nullptr);
  PROBE_EXPECT(std::ifstream("by_ifstream").good());
  PROBE_EXPECT(open("only_written", O_WRONLY) >= 0);
  PROBE_EXPECT(open("emptied", O_RDWR | O_TRUNC) >= 0);
  PROBE_EXPECT(fopen("appended", "a") != nullptr);
  PROBE_EXPECT(open("missing", O_RDONLY) == -1);
  PROBE_EXPECT(open("/dev/null", O_RDONLY) >= 0);
  (void)connected_ends(listen_on_loopback());
  PROBE_EXPECT(open("late", O_RDONLY) >= 0);
  PROBE_EXPECT(fopen("late", "r") != nullptr);
  return 0;
}

constexpr ProbeCase kCases[] = {{"early", early}, {"files", files}, {"io_uring", io_uring}};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
