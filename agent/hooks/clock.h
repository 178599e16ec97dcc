// The hooks that read clocks, and what syscall() calls in their place.
#pragma once

#include <sys/time.h>
#include <time.h>

#include <cstdint>

#include "agent/hooks/hook.h"

namespace reprise::agent {

// What the hooks of the same names do, for `caller`.
int read_clock(clockid_t clock, timespec* value, const void* caller);
int read_time_of_day(timeval* value, void* zone, const void* caller);
time_t read_seconds(time_t* value, const void* caller);

extern "C" {
int hook_clock_gettime(clockid_t clock, timespec* value) REPRISE_HOOK(clock_gettime);
int hook_gettimeofday(timeval* value, void* zone) REPRISE_HOOK(gettimeofday);
time_t hook_time(time_t* value) REPRISE_HOOK(time);
int hook_timespec_get(timespec* value, int base) REPRISE_HOOK(timespec_get);

// std::chrono's clocks: the C++ runtime would be the caller otherwise, not who wants to know. Each
// returns its representation: nanoseconds, but libc++'s system_clock microseconds.
std::int64_t hook_system_clock_now() REPRISE_HOOK(_ZNSt6chrono3_V212system_clock3nowEv);
std::int64_t hook_steady_clock_now() REPRISE_HOOK(_ZNSt6chrono3_V212steady_clock3nowEv);
std::int64_t hook_libcxx_system_clock_now() REPRISE_HOOK(_ZNSt3__16chrono12system_clock3nowEv);
std::int64_t hook_libcxx_steady_clock_now() REPRISE_HOOK(_ZNSt3__16chrono12steady_clock3nowEv);
}
}  // namespace reprise::agent
