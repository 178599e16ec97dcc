#include "agent/hooks/socket.h"

#include <errno.h>
#include <string.h>

#include "agent/connection.h"
#include "agent/datagram.h"
#include "agent/descriptor.h"
#include "agent/log_line.h"
#include "agent/original.h"
#include "agent/record.h"
#include "agent/start_file.h"
#include "agent/system_call.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

constexpr int kTypeMask = 0xf;  // socket types; SOCK_NONBLOCK and SOCK_CLOEXEC are above

std::uint32_t flags_of_type(int type) { return (type & SOCK_NONBLOCK) != 0 ? kNonblocking : 0u; }

abi::SocketAddress local_address(Socket& socket, int fd) {
  sockaddr_storage address;
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (world::getsockname(&socket, fd, generic, &length) != 0) return {};
  return socket_address(generic, length);
}

// Gives the service an address the way the kernel does: cut to its buffer, with the whole length.
void tell_address(const abi::SocketAddress& from, sockaddr* address, socklen_t* length) {
  if (address == nullptr || length == nullptr) return;
  const socklen_t fitting = *length < from.length ? *length : from.length;
  memcpy(address, from.bytes, fitting);
  *length = from.length;
}

// Whether the kernel has a peer for this socket.
bool is_established(int fd) {
  sockaddr_storage peer;
  socklen_t length = sizeof(peer);
  return !failed(system_call(SYS_getpeername, fd, address_of(&peer), address_of(&length)));
}

// Unix sockets that connect are unnamed: which process it was tells whether it is the service's
// own.
std::int32_t peer_process(const Socket& listener, int fd) {
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (listener.family != AF_UNIX || fd < 0) return 0;
  system_call(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, address_of(&peer), address_of(&length));
  return peer.pid;
}

void record_accept(Thread& thread, std::uint64_t enter, Socket& listener, Socket* socket, int made,
                   int error, const world::AcceptedAs& names) {
  const std::uint64_t exit = stamp();
  if (Record<abi::Accept> record{thread, abi::RecordType::kAccept, enter}) {
    record->exit = exit;
    record->listener = listener.cookie.load(std::memory_order_relaxed);
    record->socket = socket == nullptr ? 0 : socket->cookie.load(std::memory_order_relaxed);
    record->error = error;
    record->nonblocking = listener.has(kNonblocking) ? 1 : 0;
    record->recorded = names.recorded;
    record->local = names.local;
    record->peer = names.peer;
    record->peer_pid = peer_process(listener, made);
    record->reserved = 0;
    record.commit();
  }
}

// Both accepts; `call(listener, address, length)` does it.
template <typename Call>
int accept_on(int fd, sockaddr* address, socklen_t* length, int flags, Call call) {
  Thread* thread = this_thread();
  Socket* listener = thread == nullptr ? nullptr : descriptors().stream(fd);
  if (listener == nullptr) {
    const int made = call(nullptr, address, length);
    if (made >= 0 && thread != nullptr) {
      descriptors().open_other(made, DescriptorKind::kUnknown);
    }
    return made;
  }
  flush_log_line(*thread);
  sockaddr_storage peer;
  socklen_t peer_length = sizeof(peer);
  auto* peer_address = reinterpret_cast<sockaddr*>(&peer);
  const std::uint64_t enter = stamp();
  const int made = call(listener, peer_address, &peer_length);
  const int error = errno;
  world::AcceptedAs names{};
  Socket* socket = nullptr;
  if (made >= 0) {
    socket = descriptors().open_socket(made, listener->family, SOCK_STREAM,
                                       kConnected | flags_of_type(flags));
    names.peer = socket_address(peer_address, peer_length);
    if (socket != nullptr) {
      names.local = local_address(*socket, made);
      world::accepted(*thread, *listener, *socket, names);
    }
    tell_address(names.peer, address, length);
  }
  record_accept(*thread, enter, *listener, socket, made, made < 0 ? error : 0, names);
  if (made >= 0) end_start();
  errno = error;
  return made;
}

// connect() to no address undoes an earlier one (source: connect(2)).
bool is_dissolving(const sockaddr* address, socklen_t length) {
  return address != nullptr && length >= sizeof(address->sa_family) &&
         address->sa_family == AF_UNSPEC;
}

void record_connect(Thread& thread, std::uint64_t enter, Socket& socket, int fd, int error,
                    const sockaddr* address, socklen_t length) {
  const std::uint64_t exit = stamp();
  const abi::SocketAddress peer = socket_address(address, length);
  const abi::SocketAddress local = local_address(socket, fd);
  if (Record<abi::Connect> record{thread, abi::RecordType::kConnect, enter}) {
    record->exit = exit;
    record->socket = socket.cookie.load(std::memory_order_relaxed);
    record->error = error;
    record->type = socket.type;
    record->peer = peer;
    record->local = local;
    record.commit();
  }
}

}  // namespace

int hook_socket(int family, int type, int protocol) {
  const int fd = original().socket(family, type, protocol);
  if (fd < 0 || this_thread() == nullptr) return fd;
  const int error = errno;
  descriptors().open_socket(fd, family, type & kTypeMask, flags_of_type(type));
  errno = error;
  return fd;
}

int hook_socketpair(int family, int type, int protocol, int* ends) {
  const int result = original().socketpair(family, type, protocol, ends);
  Thread* thread = result == 0 ? this_thread() : nullptr;
  if (thread == nullptr) return result;
  const int plain_type = type & kTypeMask;
  Socket* first =
      descriptors().open_socket(ends[0], family, plain_type, kConnected | flags_of_type(type));
  Socket* second =
      descriptors().open_socket(ends[1], family, plain_type, kConnected | flags_of_type(type));
  if (first == nullptr || second == nullptr || plain_type != SOCK_STREAM) return result;
  if (Record<abi::Pair> record{*thread, abi::RecordType::kPair, stamp()}) {
    record->first = first->cookie.load(std::memory_order_relaxed);
    record->second = second->cookie.load(std::memory_order_relaxed);
    record.commit();
  }
  return result;
}

int hook_listen(int fd, int backlog) {
  Thread* thread = this_thread();
  Socket* socket = thread == nullptr ? nullptr : descriptors().stream(fd);
  if (socket == nullptr) return world::listen(nullptr, fd, backlog);
  const std::uint64_t enter = stamp();
  const int result = world::listen(socket, fd, backlog);
  const int error = errno;
  if (result == 0) socket->set(kListening);
  const abi::SocketAddress local = local_address(*socket, fd);
  if (Record<abi::Listen> record{*thread, abi::RecordType::kListen, enter}) {
    record->socket = socket->cookie.load(std::memory_order_relaxed);
    record->backlog = backlog;
    record->error = result == 0 ? 0 : error;
    record->local = local;
    record.commit();
  }
  errno = error;
  return result;
}

int hook_accept(int fd, sockaddr* address, socklen_t* length) {
  return accept_on(fd, address, length, 0, [=](Socket* listener, sockaddr* peer, socklen_t* size) {
    return world::accept(listener, fd, peer, size);
  });
}

int hook_accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  return accept_on(fd, address, length, flags,
                   [=](Socket* listener, sockaddr* peer, socklen_t* size) {
                     return world::accept4(listener, fd, peer, size, flags);
                   });
}

int hook_connect(int fd, const sockaddr* address, socklen_t length) {
  Thread* thread = this_thread();
  Socket* socket = thread == nullptr ? nullptr : descriptors().socket(fd);
  if (socket == nullptr) return world::connect(nullptr, fd, address, length);
  if (socket->type == SOCK_DGRAM) end_datagram_connection(*thread, *socket);
  const bool was_connecting = socket->has(kConnecting);
  const bool was_connected = socket->type == SOCK_STREAM && socket->has(kConnected);
  const std::uint64_t enter = stamp();
  const int result = world::connect(socket, fd, address, length);
  const int error = errno;
  const int outcome = result == 0 ? 0 : error;
  if (is_dissolving(address, length)) {
    if (result == 0) socket->clear_connection();
  } else if (was_connecting) {
    // Asked again how the first one went.
    if (outcome != EALREADY && outcome != EINTR) {
      learn_connected(*thread, *socket, outcome == EISCONN ? 0 : outcome);
    }
  } else if (!was_connected && outcome != EISCONN && outcome != EALREADY) {
    record_connect(*thread, enter, *socket, fd, outcome, address, length);
    // An interrupted connect goes on by itself.
    if (outcome == EINPROGRESS || outcome == EINTR) socket->set(kConnecting);
    if (outcome == 0) {
      socket->set(kConnected);
      if (socket->type == SOCK_DGRAM) begin_datagram_connection(*socket);
      world::connected(*thread, *socket);
    }
  }
  errno = error;
  return result;
}

extern "C" int hook___connect(int fd, const sockaddr* address, socklen_t length)
    REPRISE_HOOK_ALIAS(__connect, connect);

int hook_getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  Thread* thread = this_thread();
  Socket* socket = thread == nullptr ? nullptr : descriptors().socket(fd);
  const int result = world::getsockopt(socket, fd, level, name, value, length);
  if (socket == nullptr || result != 0 || level != SOL_SOCKET || name != SO_ERROR ||
      !socket->has(kConnecting)) {
    return result;
  }
  int outcome = 0;
  if (*length >= sizeof(outcome)) memcpy(&outcome, value, sizeof(outcome));
  // 0 while the connect still goes on means nothing; a wait or a transfer will tell.
  if (outcome != 0 || is_established(fd)) learn_connected(*thread, *socket, outcome);
  return result;
}

int hook_shutdown(int fd, int how) {
  Thread* thread = this_thread();
  Socket* socket = thread == nullptr ? nullptr : descriptors().stream(fd);
  if (socket == nullptr) return world::shutdown(nullptr, fd, how);
  const std::uint64_t enter = stamp();
  const int result = world::shutdown(socket, fd, how);
  const int error = errno;
  if (Record<abi::Shutdown> record{*thread, abi::RecordType::kShutdown, enter}) {
    record->socket = socket->cookie.load(std::memory_order_relaxed);
    record->how = how;
    record->error = result == 0 ? 0 : error;
    record.commit();
  }
  errno = error;
  return result;
}

}  // namespace reprise::agent
