// Reads and writes of the service: the real calls, with what blocks published and measured in
// virtual time.
//
// A call that does not block is made as it is, so that nothing is published for it. One that would
// block waits first (socket_wait.h); without a deadline and without timers it simply blocks,
// published, so that the kernel's own rules about signals hold.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "agent/original.h"
#include "agent/world/substitute/connecting.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/interruption.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/remaining_vectors.h"
#include "agent/world/substitute/socket_state.h"
#include "agent/world/substitute/socket_wait.h"
#include "agent/world/substitute/timers.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

std::uint64_t deadline_of(const std::atomic<std::int64_t>& timeout_ns) {
  const std::int64_t timeout = timeout_ns.load(std::memory_order_relaxed);
  return timeout > 0 ? deadline_after(timeout) : abi::kNoDeadline;
}

// What it sends next was recorded as a step, if it is to go at that moment.
void take_turn_to_send(Thread& thread, const SocketState* state) {
  take_turn_to(abi::DrawKind::kSend, thread);
  // What clients do next is known; what else gets this may do anything.
  const abi::Link* link = state != nullptr ? link_of(*state) : nullptr;
  if (link == nullptr || link->role != abi::LinkRole::kDriven) yield_horizon();
}

// A socket with everything a call on it needs.
struct Target {
  Thread* thread;
  Socket* socket;
  SocketState* state;
  int fd;
  explicit operator bool() const { return state != nullptr; }
};

// The hooks name stream sockets only; a datagram socket waits like one.
Target target(Socket* socket, int fd) {
  Thread* thread = control().attached() ? this_thread() : nullptr;
  if (thread == nullptr) return {nullptr, nullptr, nullptr, fd};
  if (socket == nullptr) socket = descriptors().socket(fd);
  return {thread, socket, state_of(socket), fd};
}

// The outcome of a connect that failed as recorded, when this call would be the first to learn it.
long told(const Target& target, long result) {
  if (!failed(result) || result == -EAGAIN || !target.state->outcome_pending) return result;
  target.state->outcome_pending = false;
  return target.state->outcome != 0 ? -target.state->outcome : result;
}

// `call(flags)` is the receive with `flags` added.
template <typename Call>
long receive(const Target& target, int flags, Call call) {
  control().count_hooked();
  if ((flags & MSG_WAITALL) == 0) {
    const long result = call(MSG_DONTWAIT);
    if (result != -EAGAIN) return told(target, result);
  }
  if ((flags & MSG_DONTWAIT) != 0 || is_nonblocking(target.fd)) return call(MSG_DONTWAIT);
  const abi::Cookie cookie = target.socket->cookie.load(std::memory_order_relaxed);
  const std::uint64_t deadline = deadline_of(target.state->receive_timeout_ns);
  if (!Wait::is_sliced(deadline) && !takes_turns()) {
    const Interruptions interruptions(target.thread);
    Wait wait(target.thread, abi::Activity::kRead, deadline, cookie);
    return told(target, wait.block([&](auto) {
      // One that came since the wait was published came while the service waited.
      return interruptions.must_return() ? long{-EINTR} : call(0);
    }));
  }
  for (;;) {
    const long ready =
        wait_for_socket(target.thread, target.fd, POLLIN, abi::Activity::kRead, deadline, cookie);
    if (ready != 0) return ready;
    const long result = call((flags & MSG_WAITALL) != 0 ? 0 : MSG_DONTWAIT);
    if (result != -EAGAIN) return told(target, result);
  }
}

// `send_from(sent, flags)` sends what is left after `sent` bytes, with `flags` added. A blocking
// send sends everything; what the socket takes at once goes unpublished.
template <typename SendFrom>
long transmit(const Target& target, std::size_t length, int flags, SendFrom send_from) {
  control().count_hooked();
  // What carries TLS is no step of its own.
  if (!target.socket->has(kCiphertext)) take_turn_to_send(*target.thread, target.state);
  long result = told(target, send_from(0, MSG_DONTWAIT));
  const bool blocks = (flags & MSG_DONTWAIT) == 0;
  const bool whole = !failed(result) && static_cast<std::size_t>(result) >= length;
  if (whole || !blocks || (failed(result) && result != -EAGAIN)) return result;
  if (is_nonblocking(target.fd)) return result;
  std::size_t sent = failed(result) ? 0 : static_cast<std::size_t>(result);
  const abi::Cookie cookie = target.socket->cookie.load(std::memory_order_relaxed);
  const std::uint64_t deadline = deadline_of(target.state->send_timeout_ns);
  while (sent < length) {
    result =
        wait_for_socket(target.thread, target.fd, POLLOUT, abi::Activity::kWrite, deadline, cookie);
    if (result == 0) result = told(target, send_from(sent, MSG_DONTWAIT));
    if (result == -EAGAIN && !has_passed(deadline)) continue;
    if (failed(result)) break;
    sent += static_cast<std::size_t>(result);
  }
  return sent > 0 ? static_cast<long>(sent) : result;
}

long receive_vectors(const Target& target, const iovec* vectors, std::size_t count, int flags) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(vectors);
  message.msg_iovlen = count;
  return receive(target, flags, [&](int added) {
    return token_call(SYS_recvmsg, target.fd, &message, flags | added);
  });
}

long send_vectors(const Target& target, const msghdr& given, int flags) {
  // The kernel would keep the bytes back for 200 ms, and the replayer wait for them to arrive.
  flags &= ~MSG_MORE;
  return transmit(target, length_of(given.msg_iov, given.msg_iovlen), flags,
                  [&](std::size_t sent, int added) {
                    if (sent == 0) {
                      return token_call(SYS_sendmsg, target.fd, &given, flags | added);
                    }
                    // Control data went with the first part.
                    RemainingVectors rest(given.msg_iov, given.msg_iovlen, sent);
                    msghdr message = {};
                    message.msg_iov = rest.vectors();
                    message.msg_iovlen = rest.count();
                    return token_call(SYS_sendmsg, target.fd, &message, flags | added);
                  });
}

// Without asking whom it is from the kernel does not look at the sixth argument, which is in the
// token's place.
ssize_t receive_nameless(const Target& target, void* buffer, std::size_t count, int flags) {
  const auto call = [&](int added) {
    return token_call(SYS_recvfrom, target.fd, buffer, count, flags | added, nullptr);
  };
  return with_errno(target ? receive(target, flags, call) : call(0));
}

// The source of a datagram as the service knows it. `room`: of the buffer for the address.
void tell_source(const Target& target, msghdr& message, socklen_t room) {
  if (!target || target.socket->type == SOCK_STREAM || message.msg_name == nullptr) return;
  auto* address = static_cast<sockaddr*>(message.msg_name);
  const socklen_t known = message.msg_namelen < room ? message.msg_namelen : room;
  const abi::SocketAddress* told =
      told_source(*target.socket, *target.state, to_address(address, known));
  if (told == nullptr) return;
  message.msg_namelen = room;
  copy_out(*told, address, &message.msg_namelen);
}

// Descriptors that are no sockets: pipes, event and timer descriptors, terminals, files. `call` is
// the C library's function, a cancellation point by itself.
template <typename Call>
long transfer(int fd, short events, abi::Activity activity, Call call) {
  Thread* thread = control().attached() ? this_thread() : nullptr;
  if (events == POLLOUT) yield_horizon();
  if (thread == nullptr || is_ready(fd, events) || is_nonblocking(fd)) return call();
  const long ready = wait_for_socket(thread, fd, events, activity, abi::kNoDeadline,
                                     static_cast<std::uint64_t>(fd));
  return ready == 0 ? call() : with_errno(ready);
}

// A timerfd counts the expiries of virtual time, not the one that woke its reader.
void tell_expirations(int fd, void* buffer, std::size_t count, ssize_t result) {
  if (result != sizeof(std::uint64_t) || count < sizeof(std::uint64_t)) return;
  const std::uint64_t expirations = take_expirations(fd);
  if (expirations > 1) __builtin_memcpy(buffer, &expirations, sizeof expirations);
}

}  // namespace

namespace world {

ssize_t read(Socket* socket, int fd, void* buffer, std::size_t count) {
  if (const Target it = target(socket, fd); it && count > 0) {
    return receive_nameless(it, buffer, count, 0);
  }
  const ssize_t result = transfer(fd, POLLIN, abi::Activity::kRead,
                                  [&] { return original().read(fd, buffer, count); });
  if (control().attached()) tell_expirations(fd, buffer, count, result);
  return result;
}

ssize_t readv(Socket* socket, int fd, const iovec* vectors, int count) {
  if (const Target it = target(socket, fd); it && count > 0) {
    return with_errno(receive_vectors(it, vectors, static_cast<std::size_t>(count), 0));
  }
  return transfer(fd, POLLIN, abi::Activity::kRead,
                  [&] { return original().readv(fd, vectors, count); });
}

ssize_t preadv2(Socket* socket, int fd, const iovec* vectors, int count, off_t offset, int flags) {
  if (const Target it = target(socket, fd); it && count > 0 && offset == -1) {
    const int as_receive = (flags & RWF_NOWAIT) != 0 ? MSG_DONTWAIT : 0;
    return with_errno(receive_vectors(it, vectors, static_cast<std::size_t>(count), as_receive));
  }
  return original().preadv2(fd, vectors, count, offset, flags);
}

ssize_t recv(Socket* socket, int fd, void* buffer, std::size_t count, int flags) {
  return receive_nameless(target(socket, fd), buffer, count, flags);
}

ssize_t recvfrom(Socket* socket, int fd, void* buffer, std::size_t count, int flags,
                 sockaddr* address, socklen_t* length) {
  if (address == nullptr) return recv(socket, fd, buffer, count, flags);
  // As a message: recvfrom's sixth argument is in the token's place.
  iovec vector = {buffer, count};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (length != nullptr) {
    message.msg_name = address;
    message.msg_namelen = *length;
  }
  const Target it = target(socket, fd);
  const auto call = [&](int added) {
    const socklen_t room = message.msg_namelen;
    const long result = token_call(SYS_recvmsg, fd, &message, flags | added);
    if (failed(result)) {
      message.msg_namelen = room;
    } else if (message.msg_name != nullptr) {
      tell_source(it, message, room);
      *length = message.msg_namelen;
    }
    // MSG_TRUNC asks for the real length, which recvmsg reports the same way.
    return result;
  };
  return with_errno(it ? receive(it, flags, call) : call(0));
}

ssize_t recvmsg(Socket* socket, int fd, msghdr* message, int flags) {
  const Target it = target(socket, fd);
  const msghdr given = *message;
  const auto call = [&](int added) {
    *message = given;  // a call that failed may have changed lengths in it
    const long result = token_call(SYS_recvmsg, fd, message, flags | added);
    if (!failed(result)) tell_source(it, *message, given.msg_namelen);
    return result;
  };
  return with_errno(it ? receive(it, flags, call) : call(0));
}

int recvmmsg(Socket* socket, int fd, mmsghdr* messages, unsigned count, int flags,
             timespec* timeout) {
  const Target it = target(socket, fd);
  if (!it) {
    return static_cast<int>(
        with_errno(token_call(SYS_recvmmsg, fd, messages, count, flags, timeout)));
  }
  control().count_hooked();
  // One by one: the kernel leaves no trace of how much room each address had.
  const auto call = [&]() -> long {
    for (unsigned i = 0; i < count; ++i) {
      msghdr& message = messages[i].msg_hdr;
      const socklen_t room = message.msg_namelen;
      const int each = (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT;
      const long received = token_call(SYS_recvmsg, fd, &message, each);
      if (failed(received)) return i > 0 ? static_cast<long>(i) : received;
      tell_source(it, message, room);
      messages[i].msg_len = static_cast<unsigned>(received);
    }
    return static_cast<long>(count);
  };
  long result = call();
  if (result == -EAGAIN && (flags & MSG_DONTWAIT) == 0 && !is_nonblocking(fd)) {
    const std::uint64_t deadline = timeout != nullptr ? deadline_after(nanoseconds(*timeout))
                                                      : deadline_of(it.state->receive_timeout_ns);
    result = wait_for_socket(it.thread, fd, POLLIN, abi::Activity::kRead, deadline,
                             it.socket->cookie.load(std::memory_order_relaxed));
    if (result == 0) result = call();
  }
  return static_cast<int>(with_errno(result));
}

ssize_t write(Socket* socket, int fd, const void* buffer, std::size_t count) {
  if (const Target it = target(socket, fd)) {
    iovec vector = {const_cast<void*>(buffer), count};
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    return with_errno(send_vectors(it, message, 0));
  }
  return transfer(fd, POLLOUT, abi::Activity::kWrite,
                  [&] { return original().write(fd, buffer, count); });
}

ssize_t writev(Socket* socket, int fd, const iovec* vectors, int count) {
  if (const Target it = target(socket, fd); it && count > 0) {
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(vectors);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return with_errno(send_vectors(it, message, 0));
  }
  return transfer(fd, POLLOUT, abi::Activity::kWrite,
                  [&] { return original().writev(fd, vectors, count); });
}

ssize_t pwritev2(Socket* socket, int fd, const iovec* vectors, int count, off_t offset, int flags) {
  if (offset == -1 && (flags & RWF_NOWAIT) == 0) return writev(socket, fd, vectors, count);
  return original().pwritev2(fd, vectors, count, offset, flags);
}

ssize_t send(Socket* socket, int fd, const void* buffer, std::size_t count, int flags) {
  return sendto(socket, fd, buffer, count, flags, nullptr, 0);
}

ssize_t sendto(Socket* socket, int fd, const void* buffer, std::size_t count, int flags,
               const sockaddr* address, socklen_t length) {
  iovec vector = {const_cast<void*>(buffer), count};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(address);
  message.msg_namelen = address != nullptr ? length : 0;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  return sendmsg(socket, fd, &message, flags);
}

ssize_t sendmsg(Socket* socket, int fd, const msghdr* message, int flags) {
  const Target it = target(socket, fd);
  msghdr directed = *message;
  abi::SocketAddress actual = {};
  if (message->msg_name != nullptr && control().attached()) {
    const long refused = direct_datagram(it.thread, it.socket, *message, flags, actual);
    if (refused != 0) return with_errno(refused);
    directed.msg_name = actual.length != 0 ? actual.bytes : nullptr;
    directed.msg_namelen = actual.length;
  }
  if (!it) return with_errno(token_call(SYS_sendmsg, fd, &directed, flags));
  if (it.socket->type != SOCK_STREAM) {
    // A datagram goes whole or not at all, and hardly ever blocks.
    control().count_hooked();
    if (it.socket->has(kFollowed) || it.socket->has(kHasFlows)) {
      take_turn_to_send(*it.thread, it.state);
    }
    return with_errno(told(it, token_call(SYS_sendmsg, fd, &directed, flags)));
  }
  return with_errno(send_vectors(it, directed, flags));
}

void sending_plaintext(Thread& thread, Socket& socket) {
  if (control().attached()) take_turn_to_send(thread, agent::state_of(socket));
}

int sendmmsg(Socket* socket, int fd, mmsghdr* messages, unsigned count, int flags) {
  for (unsigned i = 0; i < count; ++i) {
    const ssize_t sent = sendmsg(socket, fd, &messages[i].msg_hdr, flags);
    if (sent < 0) return i > 0 ? static_cast<int>(i) : -1;
    messages[i].msg_len = static_cast<unsigned>(sent);
  }
  return static_cast<int>(count);
}

ssize_t sendfile(Socket* socket, int fd, int file, off_t* offset, std::size_t count) {
  const Target it = target(socket, fd);
  if (it && !it.socket->has(kCiphertext)) take_turn_to(abi::DrawKind::kSend, *it.thread);
  return transfer(fd, POLLOUT, abi::Activity::kWrite,
                  [&] { return original().sendfile(fd, file, offset, count); });
}

ssize_t splice(Socket* /*into*/, int in, off64_t* in_offset, int out, off64_t* out_offset,
               std::size_t count, unsigned flags) {
  return original().splice(in, in_offset, out, out_offset, count, flags);
}

}  // namespace world
}  // namespace reprise::agent
