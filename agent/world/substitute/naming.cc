// Where sockets of the service are, and what it is told about that: bind, listen, accept, socket
// names and the options that would undo the substitution.

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

#include <cstring>

#include "agent/original.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/hooks.h"
#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/mailbox.h"
#include "agent/world/substitute/socket_state.h"
#include "agent/world/substitute/socket_wait.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// The socket behind `fd` with its state, for hooks that are given none. Null outside a replay.
struct Known {
  Socket* socket = nullptr;
  SocketState* state = nullptr;
  explicit operator bool() const { return state != nullptr; }
};

Known known(int fd) {
  if (!control().attached() || this_thread() == nullptr) return {};
  Socket* socket = descriptors().socket(fd);
  return {socket, state_of(socket)};
}

long bind_unix(int fd, const abi::SocketAddress& asked) {
  const abi::SocketAddress place = session_place_of(asked);
  return token_call(SYS_bind, fd, place.bytes, place.length);
}

long bind_somewhere(int fd, SocketState& state, const abi::SocketAddress& asked) {
  long result = 0;
  if (is_internet(family_of(asked))) {
    result = bind_to_loopback(fd, asked);
  } else if (family_of(asked) == AF_UNIX && asked.length > sizeof(sa_family_t)) {
    result = bind_unix(fd, asked);
  } else {
    return token_call(SYS_bind, fd, asked.bytes, asked.length);
  }
  if (result == 0) {
    state.bound = true;
    state.asked = asked;
    state.told_local = asked;
  }
  return result;
}

// A listener that was never bound: the kernel would pick a port on every address of the machine.
long bind_unbound(Socket& socket, int fd, SocketState& state) {
  if (state.bound || !is_internet(socket.family)) return 0;
  abi::SocketAddress any = {};
  const auto family = static_cast<sa_family_t>(socket.family);
  std::memcpy(any.bytes, &family, sizeof family);
  any.length = socket.family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  return bind_somewhere(fd, state, any);
}

void announce_listener(Thread& thread, const Socket& socket, int fd, SocketState& state) {
  const abi::AskListen question = {socket.cookie.load(std::memory_order_relaxed), state.asked,
                                   kernel_local_address(fd)};
  abi::AnswerListen answer = {};
  if (!ask(thread, abi::Ask::kListen, question, answer)) return;
  if (answer.local.length != 0) state.told_local = answer.local;
  state.link.store(answer.link, std::memory_order_relaxed);
  if (abi::Link* link = link_of(state)) link->accepted.store(0, std::memory_order_relaxed);
}

// Options whose effect would show in a replay, or lead out of it: they are taken and do nothing.
bool is_ignored_option(int level, int name) {
  if (level == SOL_SOCKET) return name == SO_BINDTODEVICE;
  // A listener that hides connections until data came would keep the replayer waiting, which sends
  // the first bytes once it sees its connection accepted. Fast open would send before connect is
  // answered.
  return level == IPPROTO_TCP &&
         (name == TCP_DEFER_ACCEPT || name == TCP_FASTOPEN_CONNECT || name == TCP_FASTOPEN);
}

// SO_RCVTIMEO and SO_SNDTIMEO by either of their numbers.
std::atomic<std::int64_t>* timeout_option(SocketState& state, int level, int name) {
  if (level != SOL_SOCKET) return nullptr;
  if (name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW) return &state.receive_timeout_ns;
  if (name == SO_SNDTIMEO_OLD || name == SO_SNDTIMEO_NEW) return &state.send_timeout_ns;
  return nullptr;
}

int set_timeout(std::atomic<std::int64_t>& timeout_ns, const void* value, socklen_t length) {
  timeval given = {};
  if (length < sizeof given) return static_cast<int>(with_errno(-EINVAL));
  std::memcpy(&given, value, sizeof given);
  if (given.tv_usec < 0 || given.tv_usec >= 1'000'000) return static_cast<int>(with_errno(-EDOM));
  timeout_ns.store(given.tv_sec < 0 ? 0 : nanoseconds(given), std::memory_order_relaxed);
  return 0;
}

}  // namespace

namespace world {

int listen(Socket* socket, int fd, int backlog) {
  Thread* thread = this_thread();
  SocketState* state = agent::state_of(socket);
  if (thread == nullptr || state == nullptr || !control().attached()) {
    return static_cast<int>(with_errno(token_call(SYS_listen, fd, backlog)));
  }
  control().count_hooked();
  const bool again = socket->has(kListening);
  long result = bind_unbound(*socket, fd, *state);
  if (result == 0) result = token_call(SYS_listen, fd, backlog);
  if (result == 0 && !again) announce_listener(*thread, *socket, fd, *state);
  return static_cast<int>(with_errno(result));
}

int accept4(Socket* listener, int fd, sockaddr* address, socklen_t* length, int flags) {
  Thread* thread = this_thread();
  const auto attempt = [=] { return token_call(SYS_accept4, fd, address, length, flags); };
  if (thread == nullptr || listener == nullptr || !control().attached() || is_nonblocking(fd)) {
    return static_cast<int>(with_errno(attempt()));
  }
  control().count_hooked();
  const abi::Cookie cookie = listener->cookie.load(std::memory_order_relaxed);
  const SocketState* state = agent::state_of(listener);
  const std::int64_t timeout =
      state != nullptr ? state->receive_timeout_ns.load(std::memory_order_relaxed) : 0;
  const std::uint64_t deadline = timeout > 0 ? deadline_after(timeout) : abi::kNoDeadline;
  if (!Wait::is_sliced(deadline) && !takes_turns()) {
    const Interruptions interruptions(thread);
    Wait wait(thread, abi::Activity::kAccept, deadline, cookie);
    return static_cast<int>(with_errno(
        wait.block([&](auto) { return interruptions.must_return() ? long{-EINTR} : attempt(); })));
  }
  const long ready = wait_for_socket(thread, fd, POLLIN, abi::Activity::kAccept, deadline, cookie);
  return static_cast<int>(with_errno(ready == 0 ? attempt() : ready));
}

int accept(Socket* listener, int fd, sockaddr* address, socklen_t* length) {
  return accept4(listener, fd, address, length, 0);
}

int shutdown(Socket* /*socket*/, int fd, int how) { return original().shutdown(fd, how); }

int getsockname(Socket* socket, int fd, sockaddr* address, socklen_t* length) {
  const SocketState* state = agent::state_of(socket);
  if (state != nullptr && state->told_local.length != 0 && length != nullptr) {
    copy_out(state->told_local, address, length);
    return 0;
  }
  return original().getsockname(fd, address, length);
}

int getpeername(Socket* socket, int fd, sockaddr* address, socklen_t* length) {
  const SocketState* state = agent::state_of(socket);
  if (state == nullptr || state->told_peer.length == 0 || length == nullptr) {
    return original().getpeername(fd, address, length);
  }
  // Whether there is a peer at all the kernel knows.
  sockaddr_storage real = {};
  socklen_t real_length = sizeof real;
  const int result = original().getpeername(fd, reinterpret_cast<sockaddr*>(&real), &real_length);
  if (result == 0) copy_out(state->told_peer, address, length);
  return result;
}

int getsockopt(Socket* socket, int fd, int level, int name, void* value, socklen_t* length) {
  SocketState* state = agent::state_of(socket);
  if (state == nullptr || level != SOL_SOCKET || value == nullptr || length == nullptr) {
    return original().getsockopt(fd, level, name, value, length);
  }
  if (const auto* timeout = timeout_option(*state, level, name)) {
    const timeval told = to_timeval(timeout->load(std::memory_order_relaxed));
    const socklen_t size = *length < sizeof told ? *length : static_cast<socklen_t>(sizeof told);
    std::memcpy(value, &told, size);
    *length = size;
    return 0;
  }
  const int result = original().getsockopt(fd, level, name, value, length);
  if (result == 0 && name == SO_ERROR && state->outcome_pending && *length >= sizeof(int)) {
    state->outcome_pending = false;
    std::memcpy(value, &state->outcome, sizeof(int));
  }
  return result;
}

}  // namespace world

extern "C" {

int hook_bind(int fd, const sockaddr* address, socklen_t length) {
  const Known it = known(fd);
  if (!it || address == nullptr || length < sizeof(sa_family_t) ||
      length > sizeof(abi::SocketAddress{}.bytes)) {
    return static_cast<int>(with_errno(token_call(SYS_bind, fd, address, length)));
  }
  control().count_hooked();
  return static_cast<int>(with_errno(bind_somewhere(fd, *it.state, to_address(address, length))));
}

int hook_getsockname(int fd, sockaddr* address, socklen_t* length) {
  return world::getsockname(known(fd).socket, fd, address, length);
}

int hook_getpeername(int fd, sockaddr* address, socklen_t* length) {
  return world::getpeername(known(fd).socket, fd, address, length);
}

int hook_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (const Known it = known(fd); it && value != nullptr) {
    if (is_ignored_option(level, name)) return 0;
    if (auto* timeout = timeout_option(*it.state, level, name)) {
      return set_timeout(*timeout, value, length);
    }
  }
  return original().setsockopt(fd, level, name, value, length);
}

}  // extern "C"
}  // namespace reprise::agent
