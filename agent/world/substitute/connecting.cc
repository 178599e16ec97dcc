#include "agent/world/substitute/connecting.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

#include <cstring>

#include "agent/datagram.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/mailbox.h"
#include "agent/world/substitute/socket_state.h"
#include "agent/world/substitute/socket_wait.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

long real_connect(int fd, const abi::SocketAddress& address) {
  return token_call(SYS_connect, fd, address.bytes, address.length);
}

// A place on the loopback where nothing listens: the discard port.
abi::SocketAddress nowhere(const abi::SocketAddress& like) {
  abi::SocketAddress address = loopback_like(like);
  const std::uint16_t discard = htons(9);
  std::memcpy(address.bytes + offsetof(sockaddr_in, sin_port), &discard, sizeof discard);
  return address;
}

// Gives the socket a local address of its own, by which the replayer knows it.
void bind_once(int fd, SocketState& state, const abi::SocketAddress& peer) {
  if (state.bound) return;
  if (is_internet(family_of(peer))) {
    state.bound = bind_to_loopback(fd, peer) == 0;
  } else if (family_of(peer) == AF_UNIX) {
    // Linux picks an abstract name when only the family is given (unix(7), autobind).
    const sa_family_t family = AF_UNIX;
    state.bound = token_call(SYS_bind, fd, &family, sizeof family) == 0;
    if (state.bound) state.told_local = unnamed();
  }
}

// Waits until a connect under way has an outcome: 0 or -errno. As long as the service would.
long finish_connect(Thread& thread, int fd, const SocketState& state, abi::Cookie cookie) {
  const std::int64_t timeout = state.send_timeout_ns.load(std::memory_order_relaxed);
  const std::uint64_t deadline = timeout > 0 ? deadline_after(timeout) : abi::kNoDeadline;
  const long waited =
      wait_for_socket(&thread, fd, POLLOUT, abi::Activity::kConnect, deadline, cookie);
  if (waited == -EAGAIN) return -EINPROGRESS;
  if (waited < 0) return waited;
  int error = 0;
  socklen_t length = sizeof error;
  system_call(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, address_of(&error), address_of(&length));
  return -error;
}

// connect(2) on a socket in either mode, always carried out as a non-blocking one would: so that a
// blocked connect can be seen, ended by virtual time and interrupted.
long connect_as(Thread& thread, Socket& socket, int fd, const SocketState& state,
                const abi::SocketAddress& address, bool wait) {
  const long flags = system_call(SYS_fcntl, fd, F_GETFL);
  const bool nonblocking = (flags & O_NONBLOCK) != 0;
  if (!nonblocking) system_call(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
  long result = real_connect(fd, address);
  if (result == -EINPROGRESS && wait) {
    result = finish_connect(thread, fd, state, socket.cookie.load(std::memory_order_relaxed));
  }
  if (!nonblocking) system_call(SYS_fcntl, fd, F_SETFL, flags);
  return result;
}

long redirect(Thread& thread, Socket& socket, int fd, SocketState& state, bool nonblocking,
              const abi::AnswerConnect& answer) {
  // One that was connected when the call returned is so here too, whatever the socket's mode.
  const bool wait = !nonblocking || answer.error == 0;
  const long result = connect_as(thread, socket, fd, state, state.actual, wait);
  const bool as_recorded = result == 0 || (result == -EINPROGRESS && !wait);
  return as_recorded ? -answer.error : result;
}

long fail(int fd, SocketState& state, const abi::AnswerConnect& answer) {
  if (answer.error != EINPROGRESS) return -answer.error;
  // Something that refuses at once makes the socket writable and failed; what it failed with is
  // told when the service asks.
  real_connect(fd, state.actual);
  state.outcome = answer.final_error;
  state.outcome_pending = true;
  return -EINPROGRESS;
}

long connect_stream(Thread& thread, Socket& socket, int fd, SocketState& state,
                    const abi::SocketAddress& peer) {
  take_turn_to(abi::DrawKind::kConnect, thread);
  bind_once(fd, state, peer);
  const bool nonblocking = (system_call(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) != 0;
  const abi::AskConnect question = {socket.cookie.load(std::memory_order_relaxed), socket.type,
                                    nonblocking ? 1u : 0u, peer, kernel_local_address(fd)};
  abi::AnswerConnect answer = {};
  if (!ask(thread, abi::Ask::kConnect, question, answer)) return -ECONNREFUSED;
  state.link.store(answer.link, std::memory_order_relaxed);
  state.consumed.store(0, std::memory_order_relaxed);
  state.opened = false;
  state.outcome_pending = false;
  state.actual = in_family(answer.address, socket.family);
  state.told_peer = peer;
  if (answer.local.length != 0) state.told_local = answer.local;
  switch (answer.verdict) {
    case abi::ConnectVerdict::kRedirect:
      return redirect(thread, socket, fd, state, nonblocking, answer);
    case abi::ConnectVerdict::kFail:
      return fail(fd, state, answer);
    case abi::ConnectVerdict::kInternal:
      return connect_as(thread, socket, fd, state, state.actual, !nonblocking);
  }
  return -ECONNREFUSED;
}

// Where the datagrams of a flow really go; by DatagramFlow's number.
struct FlowPlace {
  abi::SocketAddress actual;  // length 0: nobody answers for it
  std::uint32_t link;
  std::int32_t error;  // of a send, 0 none
};
constinit FlowPlace flow_places[kFlows]{};

// A datagram socket's peer is only a default destination. What nobody answers for goes nowhere.
long connect_datagram(Thread& thread, Socket& socket, int fd, SocketState& state,
                      const abi::SocketAddress& peer) {
  if (family_of(peer) == AF_UNSPEC) return token_call(SYS_connect, fd, peer.bytes, peer.length);
  bind_once(fd, state, peer);
  const abi::AskConnect question = {socket.cookie.load(std::memory_order_relaxed), socket.type, 0,
                                    peer, kernel_local_address(fd)};
  abi::AnswerConnect answer = {};
  const bool answered = ask(thread, abi::Ask::kConnect, question, answer);
  if (answered && answer.verdict == abi::ConnectVerdict::kFail) return -answer.error;
  if (!answered && !is_internet(family_of(peer))) return -ECONNREFUSED;
  state.link.store(answered ? answer.link : abi::kNone, std::memory_order_relaxed);
  state.consumed.store(0, std::memory_order_relaxed);
  state.opened = false;
  state.told_peer = peer;
  if (answered && answer.local.length != 0) state.told_local = answer.local;
  state.actual = answered ? in_family(answer.address, socket.family) : nowhere(peer);
  return real_connect(fd, state.actual);
}

}  // namespace

long direct_datagram(Thread* thread, Socket* socket, const msghdr& message, int flags,
                     abi::SocketAddress& actual) {
  if (socket != nullptr && socket->type == SOCK_STREAM) {
    // A stream's address is only of use to fast open, which would send before connect is answered.
    return (flags & MSG_FASTOPEN) != 0 ? -EOPNOTSUPP : 0;
  }
  const abi::SocketAddress peer =
      to_address(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen);
  const int family = family_of(peer);
  if (!is_internet(family) && family != AF_UNIX) {
    actual = peer;  // netlink and the like: the machine itself
    return 0;
  }
  if (thread == nullptr || socket == nullptr) return -ENETUNREACH;
  const std::uint32_t flow = find_flow(*socket, peer);
  if (flow == kFlows) {
    actual = nowhere(peer);  // of a service over UDP, whose clients nobody plays
    return family == AF_UNIX ? -ECONNREFUSED : 0;
  }
  const FlowPlace& place = flow_places[flow];
  actual = place.actual;
  return place.error != 0 ? -place.error : actual.length == 0 ? -ENETUNREACH : 0;
}

const abi::SocketAddress* told_source(const Socket& socket, const SocketState& state,
                                      const abi::SocketAddress& actual) {
  const auto same = [&](const abi::SocketAddress& other) {
    return other.length == actual.length &&
           std::memcmp(other.bytes, actual.bytes, actual.length) == 0;
  };
  if (state.told_peer.length != 0 && same(state.actual)) return &state.told_peer;
  const abi::Cookie cookie = socket.cookie.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    const DatagramFlow& flow = datagram_flows[i];
    const bool open = flow.key.load(std::memory_order_acquire) != 0;
    if (open && flow.socket == cookie && same(flow_places[i].actual)) return &flow.peer;
  }
  return nullptr;
}

namespace world {

void flow_opened(Thread& thread, Socket& socket, int fd, std::uint32_t flow) {
  FlowPlace& place = flow_places[flow];
  place = {{}, abi::kNone, 0};
  SocketState* state = agent::state_of(socket);
  if (state == nullptr || !control().attached()) return;
  const abi::SocketAddress& peer = datagram_flows[flow].peer;
  bind_once(fd, *state, peer);
  const abi::AskConnect question = {datagram_flows[flow].cookie, socket.type, 1, peer,
                                    kernel_local_address(fd)};
  abi::AnswerConnect answer = {};
  if (!ask(thread, abi::Ask::kConnect, question, answer)) return;
  if (answer.verdict == abi::ConnectVerdict::kFail) {
    place.error = answer.error;
    return;
  }
  place.actual = in_family(answer.address, socket.family);
  place.link = answer.link;
  state->link.store(answer.link, std::memory_order_relaxed);
}

void datagram_read(Thread& thread, Socket& socket, std::uint32_t flow, std::uint64_t offset) {
  SocketState* state = agent::state_of(socket);
  if (state == nullptr) return;
  if (flow != kFlows) {
    state->link.store(flow_places[flow].link, std::memory_order_relaxed);
    socket.in_offset.store(datagram_flows[flow].in_offset.load(std::memory_order_relaxed),
                           std::memory_order_relaxed);
  }
  bytes_read(thread, socket, offset, 1, 0);
}

int connect(Socket* socket, int fd, const sockaddr* address, socklen_t length) {
  const abi::SocketAddress peer = to_address(address, length);
  if (!control().attached()) {
    return static_cast<int>(with_errno(token_call(SYS_connect, fd, address, length)));
  }
  control().count_hooked();
  Thread* thread = this_thread();
  if (socket == nullptr && thread != nullptr) socket = descriptors().socket(fd);
  SocketState* state = agent::state_of(socket);
  if (thread == nullptr || state == nullptr) {
    // Nobody to ask. Nothing outside the machine, and no dependency that happens to run here.
    if (is_internet(family_of(peer))) return static_cast<int>(with_errno(-ECONNREFUSED));
    return static_cast<int>(with_errno(token_call(SYS_connect, fd, address, length)));
  }
  if (socket->type != SOCK_STREAM) {
    return static_cast<int>(with_errno(connect_datagram(*thread, *socket, fd, *state, peer)));
  }
  if (socket->has(kConnected) || socket->has(kConnecting)) {
    // A second call learns how the first one went: EALREADY, EISCONN, or the outcome.
    if (state->outcome_pending) {
      state->outcome_pending = false;
      return static_cast<int>(with_errno(-state->outcome));
    }
    return static_cast<int>(with_errno(real_connect(fd, state->actual)));
  }
  return static_cast<int>(with_errno(connect_stream(*thread, *socket, fd, *state, peer)));
}

}  // namespace world
}  // namespace reprise::agent
