// Hooks of this world that system calls made by number go to as well (numbered_calls.cc).
#pragma once

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>

#include "agent/hooks/hook.h"

namespace reprise::agent {
extern "C" {
int hook_bind(int fd, const sockaddr* address, socklen_t length) REPRISE_HOOK(bind);
int hook_getsockname(int fd, sockaddr* address, socklen_t* length) REPRISE_HOOK(getsockname);
int hook_getpeername(int fd, sockaddr* address, socklen_t* length) REPRISE_HOOK(getpeername);
int hook_setsockopt(int fd, int level, int name, const void* value, socklen_t length)
    REPRISE_HOOK(setsockopt);
int hook_nanosleep(const timespec* duration, timespec* left) REPRISE_HOOK(nanosleep);
int hook_clock_nanosleep(clockid_t clock, int flags, const timespec* duration, timespec* left)
    REPRISE_HOOK(clock_nanosleep);
int hook_timerfd_create(int clock, int flags) REPRISE_HOOK(timerfd_create);
int hook_timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* before)
    REPRISE_HOOK(timerfd_settime);
int hook_timerfd_gettime(int fd, itimerspec* value) REPRISE_HOOK(timerfd_gettime);
pid_t hook_wait4(pid_t pid, int* status, int options, rusage* usage) REPRISE_HOOK(wait4);
}
}  // namespace reprise::agent
