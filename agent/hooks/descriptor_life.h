// The hooks that make, copy, look at and close descriptors; syscall() calls them too.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "agent/hooks/hook.h"

namespace reprise::agent {
extern "C" {
int hook_close(int fd) REPRISE_HOOK(close);
int hook_close_range(unsigned first, unsigned last, int flags) REPRISE_HOOK(close_range);
void hook_closefrom(int first) REPRISE_HOOK(closefrom);
int hook_dup(int fd) REPRISE_HOOK(dup);
int hook_dup2(int fd, int to) REPRISE_HOOK(dup2);
int hook_dup3(int fd, int to, int flags) REPRISE_HOOK(dup3);
int hook_fcntl(int fd, int command, ...) REPRISE_HOOK(fcntl);
int hook_ioctl(int fd, unsigned long request, ...) REPRISE_HOOK(ioctl);
int hook_open(const char* path, int flags, ...) REPRISE_HOOK(open);
int hook_openat(int directory, const char* path, int flags, ...) REPRISE_HOOK(openat);
int hook___open_2(const char* path, int flags) REPRISE_HOOK(__open_2);
int hook___openat_2(int directory, const char* path, int flags) REPRISE_HOOK(__openat_2);
int hook_fstat(int fd, struct stat* status) REPRISE_HOOK(fstat);
}
}  // namespace reprise::agent
