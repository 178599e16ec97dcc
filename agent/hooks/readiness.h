// The hooks that wait for readiness; syscall() calls them too.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include <cstddef>

#include "agent/hooks/hook.h"

namespace reprise::agent {
extern "C" {
int hook_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) REPRISE_HOOK(epoll_ctl);
int hook_epoll_wait(int epoll, epoll_event* events, int capacity, int timeout_ms)
    REPRISE_HOOK(epoll_wait);
int hook_epoll_pwait(int epoll, epoll_event* events, int capacity, int timeout_ms,
                     const sigset_t* mask) REPRISE_HOOK(epoll_pwait);
int hook_epoll_pwait2(int epoll, epoll_event* events, int capacity, const timespec* timeout,
                      const sigset_t* mask) REPRISE_HOOK(epoll_pwait2);
int hook_poll(pollfd* fds, nfds_t count, int timeout_ms) REPRISE_HOOK(poll);
int hook___poll_chk(pollfd* fds, nfds_t count, int timeout_ms, std::size_t size)
    REPRISE_HOOK(__poll_chk);
int hook_ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask)
    REPRISE_HOOK(ppoll);
int hook___ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
                     std::size_t size) REPRISE_HOOK(__ppoll_chk);
int hook_select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                timeval* timeout) REPRISE_HOOK(select);
int hook_pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                 const timespec* timeout, const sigset_t* mask) REPRISE_HOOK(pselect);
}
}  // namespace reprise::agent
