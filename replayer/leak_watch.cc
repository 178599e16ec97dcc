#include "replayer/leak_watch.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace reprise::replayer {
namespace {

struct SystemCall {
  std::int32_t number;
  const char* name;
  bool on_descriptor;  // its first argument is one
};
// What the agent's filter watches (agent/world/substitute/leak_filter.cc).
constexpr SystemCall kWatched[] = {
    {SYS_socket, "socket", false},
    {SYS_connect, "connect", true},
    {SYS_bind, "bind", true},
    {SYS_listen, "listen", true},
    {SYS_accept, "accept", true},
    {SYS_accept4, "accept4", true},
    {SYS_sendto, "sendto", true},
    {SYS_sendmsg, "sendmsg", true},
    {SYS_sendmmsg, "sendmmsg", true},
    {SYS_recvfrom, "recvfrom", true},
    {SYS_recvmsg, "recvmsg", true},
    {SYS_recvmmsg, "recvmmsg", true},
    {SYS_clock_gettime, "clock_gettime", false},
    {SYS_gettimeofday, "gettimeofday", false},
    {SYS_time, "time", false},
    {SYS_getrandom, "getrandom", false},
    {SYS_nanosleep, "nanosleep", false},
    {SYS_clock_nanosleep, "clock_nanosleep", false},
    {SYS_setitimer, "setitimer", false},
    {SYS_alarm, "alarm", false},
    {SYS_epoll_wait, "epoll_wait", false},
    {SYS_epoll_pwait, "epoll_pwait", false},
    {SYS_epoll_pwait2, "epoll_pwait2", false},
    {SYS_poll, "poll", false},
    {SYS_ppoll, "ppoll", false},
    {SYS_select, "select", false},
    {SYS_pselect6, "pselect6", false},
    {SYS_timerfd_settime, "timerfd_settime", false},
};

const SystemCall* find(std::int32_t number) {
  for (const SystemCall& call : kWatched) {
    if (call.number == number) return &call;
  }
  return nullptr;
}

int descriptor_of(std::int32_t pid, std::int32_t descriptor) {
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return -1;
  const int taken = static_cast<int>(::syscall(SYS_pidfd_getfd, process, descriptor, 0));
  ::close(process);
  return taken;
}

bool on_unix_socket(const seccomp_notif& call) {
  const SystemCall* known = find(call.data.nr);
  if (call.data.nr == SYS_socket) return call.data.args[0] == AF_UNIX;
  if (known == nullptr || !known->on_descriptor) return false;
  const int socket = descriptor_of(static_cast<std::int32_t>(call.pid),
                                   static_cast<std::int32_t>(call.data.args[0]));
  if (socket < 0) return false;
  int domain = AF_UNSPEC;
  socklen_t length = sizeof(domain);
  ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length);
  ::close(socket);
  return domain == AF_UNIX;
}

// Base name of the file that is mapped at `address` in a process, "" when there is none.
std::string object_at(std::int32_t pid, std::uint64_t address) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uint64_t begin = 0, end = 0;
    char dash = 0;
    fields >> std::hex >> begin >> dash >> end;
    if (address < begin || address >= end) continue;
    const std::size_t slash = line.rfind('/');
    return slash == std::string::npos ? "" : line.substr(slash + 1);
  }
  return "";
}

// glibc draws a key for its heap when that is first used (malloc/malloc.c, tcache_key_initialize).
// In programs that the service executes this comes before the agent; no service ever sees the
// value.
bool is_heap_key(const seccomp_notif& call) {
  if (call.data.nr != SYS_getrandom || call.data.args[1] != sizeof(std::uintptr_t) ||
      call.data.args[2] != GRND_NONBLOCK) {
    return false;
  }
  const std::string object =
      object_at(static_cast<std::int32_t>(call.pid), call.data.instruction_pointer);
  return object.starts_with("libc.so") || object.starts_with("libc-");
}

}  // namespace

LeakWatch::~LeakWatch() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof(one));
  thread_.join();
  ::close(stop_);
  ::close(listener_);
}

bool LeakWatch::take_over(const abi::AskLeakWatch& ask) {
  const int taken = descriptor_of(ask.pid, ask.descriptor);
  if (taken < 0) return false;
  if (ask.rehearsal != 0 || thread_.joinable()) {
    ::close(taken);
    return ask.rehearsal != 0;
  }
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (stop_ < 0) {
    ::close(taken);
    return false;
  }
  listener_ = taken;
  thread_ = std::thread([this] { run(); });
  return true;
}

void LeakWatch::run() {
  for (;;) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(waits, std::size(waits), -1) < 0) continue;
    // A hang-up means that no process with the filter is left.
    if (waits[1].revents != 0 || (waits[0].revents & (POLLHUP | POLLERR)) != 0) return;
    if ((waits[0].revents & POLLIN) != 0) answer();
  }
}

void LeakWatch::answer() {
  seccomp_notif call{};
  if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;
  const bool counts = !on_unix_socket(call) && !is_heap_key(call);
  if (counts) {
    const Place place{call.data.nr, call.data.instruction_pointer};
    const std::string name = this->name(static_cast<std::int32_t>(call.pid), place);
    const std::lock_guard lock(mutex_);
    ++totals_[name];
  }
  seccomp_notif_resp go_on{};
  go_on.id = call.id;
  go_on.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &go_on);
}

std::string LeakWatch::name(std::int32_t pid, const Place& place) {
  const auto known = names_.find(place);
  if (known != names_.end()) return known->second;
  const SystemCall* call = find(place.system_call);
  const std::string object = object_at(pid, place.instruction);
  std::string name =
      (call == nullptr ? "system call " + std::to_string(place.system_call) : call->name) +
      (object.empty() ? "" : " in " + object);
  names_.emplace(place, name);
  return name;
}

std::map<std::string, std::uint64_t> LeakWatch::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

}  // namespace reprise::replayer
