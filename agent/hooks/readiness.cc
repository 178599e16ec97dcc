#include "agent/hooks/readiness.h"

#include <errno.h>
#include <string.h>

#include "agent/connection.h"
#include "agent/datagram.h"
#include "agent/descriptor.h"
#include "agent/epoll_registry.h"
#include "agent/hot.h"
#include "agent/log_line.h"
#include "agent/record.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

constexpr std::int64_t kForever = -1;

std::int64_t nanoseconds(int milliseconds) {
  return milliseconds < 0 ? kForever : std::int64_t{milliseconds} * 1'000'000;
}
std::int64_t nanoseconds(const timespec* time) {
  return time == nullptr ? kForever : std::int64_t{time->tv_sec} * 1'000'000'000 + time->tv_nsec;
}
std::int64_t nanoseconds(const timeval* time) {
  return time == nullptr ? kForever
                         : std::int64_t{time->tv_sec} * 1'000'000'000 + time->tv_usec * 1000;
}

// Sockets that one wait reported. Bounded: it lies on the stack of whatever thread waits.
class ReadyList {
 public:
  static constexpr std::size_t kMost = 256;

  void add(Socket* socket, std::uint32_t flags) {
    if (socket == nullptr || count_ == kMost) {
      ++others_;
    } else {
      entries_[count_++] = {socket, flags};
    }
  }
  [[nodiscard]] const world::Reported* begin() const { return entries_; }
  [[nodiscard]] const world::Reported* end() const { return entries_ + count_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::uint32_t others() const { return others_; }

 private:
  std::size_t count_ = 0;
  std::uint32_t others_ = 0;
  world::Reported entries_[kMost];
};

struct Waited {
  std::uint64_t enter;
  std::int64_t timeout_ns;
  int result;
  int error;
};

REPRISE_HOT_CODE void record_wait(Thread& thread, abi::WaitKind kind, const Waited& waited,
                                  const ReadyList& ready) {
  // A loop that only polls says nothing new each time round.
  const bool idle = waited.result == 0 && waited.timeout_ns == 0;
  if (idle && thread.last_wait == LastWait::kIdlePoll) return;
  const std::uint64_t exit = stamp();
  const auto tail = static_cast<std::uint32_t>(ready.count() * sizeof(abi::Ready));
  if (Record<abi::Wait> record{thread, abi::RecordType::kWait, waited.enter, tail,
                               static_cast<std::uint8_t>(kind)}) {
    record->exit = exit;
    record->timeout_ns = waited.timeout_ns;
    record->result = waited.result;
    record->error = waited.error;
    record->ready = static_cast<std::uint32_t>(ready.count());
    record->others = ready.others();
    auto* entry = reinterpret_cast<abi::Ready*>(record.tail());
    for (const world::Reported& reported : ready) {
      entry->socket = reported_cookie(*reported.socket);
      entry->flags = reported.flags;
      entry->reserved = 0;
      ++entry;
    }
    record.commit();
  }
  thread.last_wait = idle ? LastWait::kIdlePoll : LastWait::kNone;
}

// A connection in progress that can be written to is established; one that failed says so to the
// call that asks.
void note_established(const ReadyList& ready) {
  for (const world::Reported& reported : ready) {
    if (!reported.socket->has(kConnecting) || (reported.flags & abi::kWritable) == 0 ||
        (reported.flags & (abi::kFailed | abi::kHangup)) != 0) {
      continue;
    }
    reported.socket->set(kReportedUp);
  }
}

// Any wait: `call(thread)` waits, `list(ready, result)` names what it reported.
template <typename Call, typename List>
int wait(abi::WaitKind kind, std::int64_t timeout_ns, Call call, List list) {
  Thread* thread = this_thread();
  if (thread == nullptr) return call(nullptr);
  flush_log_line(*thread);
  const std::uint64_t enter = stamp();
  const int result = call(thread);
  const int error = errno;
  ReadyList ready;
  if (result > 0) list(ready, result);
  record_wait(*thread, kind, {enter, timeout_ns, result, result < 0 ? error : 0}, ready);
  world::ready(*thread, ready.begin(), ready.count());
  note_established(ready);
  errno = error;
  return result;
}

// poll's and epoll's bits have the same values.
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR &&
              POLLHUP == EPOLLHUP && POLLPRI == EPOLLPRI);
std::uint32_t ready_flags(std::uint32_t events) {
  return ((events & (EPOLLIN | EPOLLRDNORM | EPOLLPRI)) != 0 ? abi::kReadable : 0u) |
         ((events & (EPOLLOUT | EPOLLWRNORM)) != 0 ? abi::kWritable : 0u) |
         ((events & (EPOLLHUP | EPOLLRDHUP)) != 0 ? abi::kHangup : 0u) |
         ((events & EPOLLERR) != 0 ? abi::kFailed : 0u);
}

REPRISE_HOT_CODE void list_epoll(ReadyList& ready, int epoll, const epoll_event* events,
                                 int count) {
  for (int i = 0; i < count; ++i) {
    ready.add(epoll_registry.find(epoll, events[i].data.u64), ready_flags(events[i].events));
  }
}

void list_poll(ReadyList& ready, const pollfd* fds, nfds_t count) {
  for (nfds_t i = 0; i < count; ++i) {
    if (fds[i].revents == 0) continue;
    ready.add(descriptors().stream(fds[i].fd),
              ready_flags(static_cast<std::uint32_t>(fds[i].revents) & 0xffffu));
  }
}

// Word `index` of a set's bits. Sets may be larger than fd_set says.
std::uint64_t set_word(const fd_set* set, int index) {
  if (set == nullptr) return 0;
  std::uint64_t word;
  memcpy(&word, reinterpret_cast<const std::byte*>(set) + std::size_t(index) * sizeof(word),
         sizeof(word));
  return word;
}

void list_select(ReadyList& ready, int count, const fd_set* readable, const fd_set* writable,
                 const fd_set* exceptional) {
  for (int index = 0; index * 64 < count; ++index) {
    const std::uint64_t read = set_word(readable, index);
    const std::uint64_t write = set_word(writable, index);
    const std::uint64_t except = set_word(exceptional, index);
    for (std::uint64_t any = read | write | except; any != 0; any &= any - 1) {
      const int fd = index * 64 + __builtin_ctzll(any);
      const std::uint64_t bit = any & -any;
      if (fd >= count) return;
      ready.add(descriptors().stream(fd), ((read & bit) != 0 ? abi::kReadable : 0u) |
                                              ((write & bit) != 0 ? abi::kWritable : 0u) |
                                              ((except & bit) != 0 ? abi::kFailed : 0u));
    }
  }
}

}  // namespace

int hook_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  const int result = world::epoll_ctl(epoll, operation, fd, event);
  if (result != 0 || operation == EPOLL_CTL_DEL || event == nullptr || this_thread() == nullptr) {
    return result;
  }
  const int error = errno;
  epoll_registry.add(epoll, fd, event->data.u64);
  errno = error;
  return result;
}

REPRISE_HOT_CODE int hook_epoll_wait(int epoll, epoll_event* events, int capacity, int timeout_ms) {
  return wait(
      abi::WaitKind::kEpoll, nanoseconds(timeout_ms),
      [=](Thread* thread) {
        return world::epoll_wait(thread, epoll, events, capacity, timeout_ms);
      },
      [=](ReadyList& ready, int result) { list_epoll(ready, epoll, events, result); });
}

int hook_epoll_pwait(int epoll, epoll_event* events, int capacity, int timeout_ms,
                     const sigset_t* mask) {
  return wait(
      abi::WaitKind::kEpoll, nanoseconds(timeout_ms),
      [=](Thread* thread) {
        return world::epoll_pwait(thread, epoll, events, capacity, timeout_ms, mask);
      },
      [=](ReadyList& ready, int result) { list_epoll(ready, epoll, events, result); });
}

int hook_epoll_pwait2(int epoll, epoll_event* events, int capacity, const timespec* timeout,
                      const sigset_t* mask) {
  return wait(
      abi::WaitKind::kEpoll, nanoseconds(timeout),
      [=](Thread* thread) {
        return world::epoll_pwait2(thread, epoll, events, capacity, timeout, mask);
      },
      [=](ReadyList& ready, int result) { list_epoll(ready, epoll, events, result); });
}

REPRISE_HOT_CODE int hook_poll(pollfd* fds, nfds_t count, int timeout_ms) {
  return wait(
      abi::WaitKind::kPoll, nanoseconds(timeout_ms),
      [=](Thread* thread) { return world::poll(thread, fds, count, timeout_ms); },
      [=](ReadyList& ready, int) { list_poll(ready, fds, count); });
}
extern "C" int hook___poll(pollfd* fds, nfds_t count, int timeout_ms)
    REPRISE_HOOK_ALIAS(__poll, poll);

int hook___poll_chk(pollfd* fds, nfds_t count, int timeout_ms, std::size_t size) {
  if (size / sizeof(*fds) < count) __chk_fail();
  return hook_poll(fds, count, timeout_ms);
}

int hook_ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return wait(
      abi::WaitKind::kPoll, nanoseconds(timeout),
      [=](Thread* thread) { return world::ppoll(thread, fds, count, timeout, mask); },
      [=](ReadyList& ready, int) { list_poll(ready, fds, count); });
}

int hook___ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
                     std::size_t size) {
  if (size / sizeof(*fds) < count) __chk_fail();
  return hook_ppoll(fds, count, timeout, mask);
}

int hook_select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                timeval* timeout) {
  return wait(
      abi::WaitKind::kSelect, nanoseconds(timeout),
      [=](Thread* thread) {
        return world::select(thread, count, readable, writable, exceptional, timeout);
      },
      [=](ReadyList& ready, int) { list_select(ready, count, readable, writable, exceptional); });
}
extern "C" int hook___select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                             timeval* timeout) REPRISE_HOOK_ALIAS(__select, select);

int hook_pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                 const timespec* timeout, const sigset_t* mask) {
  return wait(
      abi::WaitKind::kSelect, nanoseconds(timeout),
      [=](Thread* thread) {
        return world::pselect(thread, count, readable, writable, exceptional, timeout, mask);
      },
      [=](ReadyList& ready, int) { list_select(ready, count, readable, writable, exceptional); });
}

}  // namespace reprise::agent
