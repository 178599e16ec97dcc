// The world as it is: readiness.
#include "agent/hot.h"
#include "agent/original.h"
#include "agent/world/world.h"

namespace reprise::agent::world {

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  return original().epoll_ctl(epoll, operation, fd, event);
}

REPRISE_HOT_CODE int epoll_wait(Thread*, int epoll, epoll_event* events, int capacity,
                                int timeout_ms) {
  return original().epoll_wait(epoll, events, capacity, timeout_ms);
}

int epoll_pwait(Thread*, int epoll, epoll_event* events, int capacity, int timeout_ms,
                const sigset_t* mask) {
  return original().epoll_pwait(epoll, events, capacity, timeout_ms, mask);
}

int epoll_pwait2(Thread*, int epoll, epoll_event* events, int capacity, const timespec* timeout,
                 const sigset_t* mask) {
  return original().epoll_pwait2(epoll, events, capacity, timeout, mask);
}

int poll(Thread*, pollfd* fds, nfds_t count, int timeout_ms) {
  return original().poll(fds, count, timeout_ms);
}

int ppoll(Thread*, pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return original().ppoll(fds, count, timeout, mask);
}

int select(Thread*, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
           timeval* timeout) {
  return original().select(count, readable, writable, exceptional, timeout);
}

int pselect(Thread*, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
            const timespec* timeout, const sigset_t* mask) {
  return original().pselect(count, readable, writable, exceptional, timeout, mask);
}

REPRISE_HOT_CODE void ready(Thread&, const Reported*, std::size_t) {}

}  // namespace reprise::agent::world
