// Helpers of the probe programs: what they observe goes to standard output, one "name value" a
// line.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cstdint>

inline void tell(const char* name, long long value) {
  printf("%s %lld\n", name, value);
  fflush(stdout);
}
inline void tell(const char* name, const char* text) {
  printf("%s %s\n", name, text);
  fflush(stdout);
}

inline long long read_clock(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}
