// Records more than fits.
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "agent/testing/loopback.h"

namespace {

using namespace reprise::agent::testing;

// Sends `rounds` numbered messages to itself; a line of input first, when there is to be a pause.
int messages(int argc, char** argv) {
  PROBE_EXPECT(argc >= 1);
  const Ends ends = connected_ends(listen_on_loopback());
  const int rounds = atoi(argv[0]);
  char text[200];
  for (int round = 0; round < rounds; ++round) {
    memset(text, '.', sizeof(text));
    snprintf(text, sizeof(text), "message %d", round);
    PROBE_EXPECT(send(ends.client, text, sizeof(text), 0) == sizeof(text));
    PROBE_EXPECT(recv(ends.server, text, sizeof(text), MSG_WAITALL) == sizeof(text));
  }
  return 0;
}

// A number of clock reads for each line of input, which it answers.
int on_demand(int, char**) {
  char line[32];
  while (fgets(line, sizeof(line), stdin) != nullptr) {
    for (int i = atoi(line); i > 0; --i) {
      timespec now{};
      clock_gettime(CLOCK_REALTIME, &now);
    }
    // The answer itself must not be a record.
    const char* answer = "done\n";
    __asm__ volatile("syscall" : : "a"(1), "D"(1), "S"(answer), "d"(5) : "rcx", "r11", "memory");
  }
  return 0;
}

// Threads that each record a little and then wait for all others to have done so.
int crowd(int, char**) {
  static pthread_barrier_t barrier;
  pthread_t threads[4];
  pthread_barrier_init(&barrier, nullptr, 4);
  auto work = [](void*) -> void* {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    pthread_barrier_wait(&barrier);
    return nullptr;
  };
  for (pthread_t& thread : threads) {
    PROBE_EXPECT(pthread_create(&thread, nullptr, work, nullptr) == 0);
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  return 0;
}

constexpr ProbeCase kCases[] = {{"messages", messages}, {"on_demand", on_demand}, {"crowd", crowd}};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
