// A library that is loaded late and draws.
#include <sys/random.h>
#include <time.h>

extern "C" long read_clock_here() {
  char key[8];
  if (getrandom(key, sizeof(key), 0) != sizeof(key)) return -1;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}
