// The functions that the hooks stand in front of.
//
// Resolved once, at the first use in whatever context that is: by reading the loaded objects'
// symbol tables, without locks, allocation or dlsym (agent/link_map.h). Libraries that a process
// may hold twice (OpenSSL, a C++ runtime) are not here but looked up for the calling object.
//
// Threading: any thread; two that resolve at once store the same addresses.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

// Fortified functions that the headers declare only when they use them.
extern "C" {
int __vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments);
int __vdprintf_chk(int fd, int flag, const char* format, va_list arguments);
// The C library's own sigaction(), which no sanitizer stands in front of.
int __sigaction(int number, const struct sigaction* action, struct sigaction* former);
}

namespace reprise::agent {

// clang-format off
// Those of the hottest paths first: they share a cache line.
#define REPRISE_ORIGINALS(X)                                                                       \
  X(read) X(recv) X(write) X(writev) X(send) X(epoll_wait) X(clock_gettime) X(gettimeofday)        \
  X(socket) X(socketpair) X(listen) X(accept) X(accept4) X(connect) X(shutdown) X(bind)            \
  X(getsockopt) X(setsockopt) X(getsockname) X(getpeername)                                        \
  X(readv) X(preadv2) X(recvfrom) X(recvmsg) X(recvmmsg)                                           \
  X(pwritev2) X(sendto) X(sendmsg) X(sendmmsg) X(sendfile) X(splice)                               \
  X(close) X(close_range) X(closefrom) X(dup) X(dup2) X(dup3) X(fcntl) X(ioctl)                    \
  X(open) X(openat) X(fstat)                                                                       \
  X(epoll_ctl) X(epoll_pwait) X(epoll_pwait2) X(poll) X(ppoll) X(select) X(pselect)                \
  X(time) X(timespec_get)                                                                          \
  X(getrandom) X(getentropy) X(arc4random) X(arc4random_buf) X(arc4random_uniform)                 \
  X(getaddrinfo) X(freeaddrinfo) X(getnameinfo) X(gethostbyname) X(gethostbyname2)                 \
  X(gethostbyname_r) X(gethostbyname2_r) X(gethostbyaddr) X(gethostbyaddr_r)                       \
  X(fork) X(_Fork) X(vfork) X(clone) X(execve) X(execvpe) X(fexecve) X(execveat)                   \
  X(posix_spawn) X(posix_spawnp) X(_exit) X(quick_exit) X(dlopen)                                  \
  X(pthread_create) X(pthread_cond_wait) X(sigaction) X(__sigaction)                               \
  X(vfprintf) X(vdprintf) X(__vfprintf_chk) X(__vdprintf_chk) X(fwrite) X(fwrite_unlocked)         \
  X(fputs) X(fputs_unlocked) X(puts) X(fputc) X(fputc_unlocked) X(perror) X(fdopen) X(fopen)       \
  X(fileno) X(fclose) X(mkostemps) X(mkdtemp)

#define REPRISE_DECLARE(name) decltype(&::name) name;
// clang-format on

struct Originals {
  REPRISE_ORIGINALS(REPRISE_DECLARE)
};
#undef REPRISE_DECLARE

[[gnu::visibility("hidden")]] extern constinit Originals original_table;
[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> originals_resolved;

void resolve_originals();

// The table. A member is null only when the C library is too old to have the function.
[[nodiscard]] inline const Originals& original() {
  if (!originals_resolved.load(std::memory_order_acquire)) [[unlikely]]
    resolve_originals();
  return original_table;
}

}  // namespace reprise::agent
