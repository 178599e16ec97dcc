// Reads and writes of connections, in every form the C library has, and writes to the standard
// streams.
//
// What is not seen: io_uring, which is answered ENOSYS (hooks/system_call.cc), and stdio on sockets
// except through fdopen (hooks/stdio.cc). The ciphertext of TLS connections is not recorded.
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent/connection.h"
#include "agent/datagram.h"
#include "agent/descriptor.h"
#include "agent/hooks/hook.h"
#include "agent/hooks/stream_io.h"
#include "agent/hot.h"
#include "agent/log_line.h"
#include "agent/passed_descriptor.h"
#include "agent/random_draw.h"
#include "agent/record.h"
#include "agent/system_call.h"
#include "agent/thread.h"
#include "agent/tls_call.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// Bytes that stay in the socket or were never in the stream are not read from it.
constexpr int kNotStreamFlags = MSG_PEEK | MSG_OOB | MSG_ERRQUEUE;

bool is_log(DescriptorKind kind) {
  return kind == DescriptorKind::kStdout || kind == DescriptorKind::kStderr;
}

// What TLS reads is recorded in the clear (agent/tls_call.h); this is what carries it.
template <typename Call>
ssize_t receive_ciphertext(Thread& thread, Socket& socket, Call call) {
  learn_from_use(thread, socket);
  const ssize_t result = call(&socket);
  learn_from_transfer(thread, socket, result, errno);
  note_ciphertext_read(thread, socket, result);
  return result;
}

template <typename Call>
ssize_t transmit_ciphertext(Thread& thread, Socket& socket, Call call) {
  learn_from_use(thread, socket);
  const ssize_t result = call(&socket);
  learn_from_transfer(thread, socket, result, errno);
  return result;
}

// Whom a call names as the other end of a datagram: where it goes, or where its source is told.
struct Party {
  const sockaddr* address = nullptr;
  const socklen_t* length = nullptr;
};

template <typename Call>
ssize_t receive_datagram(Thread& thread, Socket& socket, Gather gather, std::uint64_t requested,
                         Party source, Call call) {
  flush_log_line(thread);
  const std::uint64_t enter = stamp();
  const ssize_t result = call(nullptr);
  record_datagram(thread, socket, enter, gather, requested, result, source.address,
                  source.length == nullptr ? 0 : *source.length);
  return result;
}

// A read of any form; `call(socket)` does it, into what `gather` describes.
template <typename Call>
ssize_t receive(int fd, Gather gather, std::uint64_t requested, int flags, Call call,
                Party source = {}) {
  Thread* thread = this_thread();
  if (thread == nullptr) return call(nullptr);
  const Descriptor descriptor = descriptors().find(fd);
  if (!DescriptorTable::holds_socket(descriptor.kind)) return call(nullptr);
  Socket* socket = &descriptors().at(descriptor.socket);
  const bool datagrams = descriptor.kind == DescriptorKind::kDatagram;
  if ((flags & kNotStreamFlags) != 0) return call(datagrams ? nullptr : socket);
  if (datagrams) return receive_datagram(*thread, *socket, gather, requested, source, call);
  if (is_ciphertext(*thread, *socket)) [[unlikely]]
    return receive_ciphertext(*thread, *socket, call);
  flush_log_line(*thread);
  Receiving receiving(*thread, *socket, requested);
  const ssize_t result = call(socket);
  if (result > 0 && is_received_hello(*socket, gather, static_cast<std::size_t>(result))) {
    return result;
  }
  receiving.finish(result, result < 0 ? errno : 0, gather);
  return result;
}

// A write of any form of the `length` bytes in `gather`; `call(socket)` does it.
template <typename Call>
ssize_t transmit(int fd, Gather gather, std::uint64_t length, int flags, Call call,
                 Party target = {}) {
  Thread* thread = this_thread();
  if (thread == nullptr) return call(nullptr);
  const Descriptor descriptor = descriptors().find(fd);
  if (descriptor.kind == DescriptorKind::kStream) {
    Socket& socket = descriptors().at(descriptor.socket);
    if ((flags & MSG_OOB) != 0) return call(&socket);
    if (socket.has(kHelloKept)) [[unlikely]]
      disown_hello(*thread, socket);
    if (is_ciphertext(*thread, socket) || is_offered_hello(socket, gather, length)) [[unlikely]]
      return transmit_ciphertext(*thread, socket, call);
    Sending sending(*thread, socket, fd, gather, length, flags);
    const ssize_t result = call(&socket);
    sending.finish(result, result < 0 ? errno : 0);
    return result;
  }
  if (descriptor.kind == DescriptorKind::kDatagram) {
    Socket& socket = descriptors().at(descriptor.socket);
    DatagramSending sending(*thread, socket, fd, target.address,
                            target.length == nullptr ? 0 : *target.length, gather, length);
    const ssize_t result = call(nullptr);
    sending.finish(result);
    return result;
  }
  if (!is_log(descriptor.kind)) return call(nullptr);
  const std::uint64_t enter = stamp();
  const ssize_t result = call(nullptr);
  if (result > 0) {
    const int error = errno;
    write_log(
        *thread,
        descriptor.kind == DescriptorKind::kStdout ? abi::Stream::kStdout : abi::Stream::kStderr,
        gather, static_cast<std::size_t>(result), enter);
    errno = error;
  }
  return result;
}

Gather gather_of(const iovec* vectors, int count) {
  return {vectors, count > 0 ? static_cast<std::size_t>(count) : 0};
}
Gather gather_of(const msghdr* message) { return {message->msg_iov, message->msg_iovlen}; }

std::size_t bytes_of(const iovec* vectors, int count) {
  return total_bytes(vectors, count > 0 ? static_cast<std::size_t>(count) : 0);
}
std::size_t bytes_of(const msghdr* message) {
  return total_bytes(message->msg_iov, message->msg_iovlen);
}

// Bytes of a connection that go where nobody can copy them are a hole in what is recorded of it.
void record_unseen(Thread& thread, std::atomic<std::uint64_t>& offset, ssize_t result) {
  if (result <= 0) return;
  offset.fetch_add(static_cast<std::uint64_t>(result), std::memory_order_relaxed);
  record_gap(thread, static_cast<std::uint64_t>(result));
}

}  // namespace

// --- In ------------------------------------------------------------------------------------------

REPRISE_HOT_CODE ssize_t hook_read(int fd, void* buffer, std::size_t count) {
  if (descriptors().peek(fd).kind == DescriptorKind::kRandomDevice) [[unlikely]] {
    return read_random_device(fd, buffer, count, REPRISE_CALLER());
  }
  return receive(fd, {buffer, count}, count, 0,
                 [=](Socket* socket) { return world::read(socket, fd, buffer, count); });
}

extern "C" ssize_t hook___read(int fd, void* buffer, std::size_t count)
    REPRISE_HOOK_ALIAS(__read, read);

ssize_t hook___read_chk(int fd, void* buffer, std::size_t count, std::size_t size) {
  if (count > size) __chk_fail();
  return hook_read(fd, buffer, count);
}

REPRISE_HOT_CODE ssize_t hook_readv(int fd, const iovec* vectors, int count) {
  return receive(fd, gather_of(vectors, count), bytes_of(vectors, count), 0,
                 [=](Socket* socket) { return world::readv(socket, fd, vectors, count); });
}

ssize_t hook_preadv2(int fd, const iovec* vectors, int count, off_t offset, int flags) {
  return receive(fd, gather_of(vectors, count), bytes_of(vectors, count), 0, [=](Socket* socket) {
    return world::preadv2(socket, fd, vectors, count, offset, flags);
  });
}

REPRISE_HOT_CODE ssize_t hook_recv(int fd, void* buffer, std::size_t count, int flags) {
  return receive(fd, {buffer, count}, count, flags,
                 [=](Socket* socket) { return world::recv(socket, fd, buffer, count, flags); });
}

ssize_t hook___recv_chk(int fd, void* buffer, std::size_t count, std::size_t size, int flags) {
  if (count > size) __chk_fail();
  return hook_recv(fd, buffer, count, flags);
}

ssize_t hook_recvfrom(int fd, void* buffer, std::size_t count, int flags, sockaddr* address,
                      socklen_t* length) {
  return receive(fd, {buffer, count}, count, flags,
                 [=](Socket* socket) {
                   return world::recvfrom(socket, fd, buffer, count, flags, address, length);
                 },
                 {address, length});
}

ssize_t hook___recvfrom_chk(int fd, void* buffer, std::size_t count, std::size_t size, int flags,
                            sockaddr* address, socklen_t* length) {
  if (count > size) __chk_fail();
  return hook_recvfrom(fd, buffer, count, flags, address, length);
}

REPRISE_HOT_CODE ssize_t hook_recvmsg(int fd, msghdr* message, int flags) {
  const ssize_t result =
      receive(fd, gather_of(message), bytes_of(message), flags,
              [=](Socket* socket) { return world::recvmsg(socket, fd, message, flags); },
              {static_cast<sockaddr*>(message->msg_name), &message->msg_namelen});
  if (result >= 0 && message->msg_controllen > 0) take_descriptors(*message);
  return result;
}

// Datagrams come all at once.
int receive_datagrams(Thread& thread, Socket& socket, int fd, mmsghdr* messages, unsigned count,
                      int flags, timespec* timeout) {
  const std::uint64_t enter = stamp();
  const int result = world::recvmmsg(nullptr, fd, messages, count, flags, timeout);
  if ((flags & kNotStreamFlags) != 0) return result;
  for (int i = 0; i < result; ++i) {
    const msghdr& message = messages[i].msg_hdr;
    record_datagram(thread, socket, enter, gather_of(&message), bytes_of(&message),
                    static_cast<ssize_t>(messages[i].msg_len),
                    static_cast<sockaddr*>(message.msg_name), message.msg_namelen);
  }
  return result;
}

// On a stream, one recvmsg after the other, as the kernel does it.
int hook_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  Thread* thread = this_thread();
  Socket* datagrams = thread == nullptr ? nullptr : descriptors().datagram(fd);
  if (datagrams != nullptr) {
    return receive_datagrams(*thread, *datagrams, fd, messages, count, flags, timeout);
  }
  if (this_thread() == nullptr || descriptors().stream(fd) == nullptr) {
    return world::recvmmsg(nullptr, fd, messages, count, flags, timeout);
  }
  unsigned done = 0;
  int each = flags & ~MSG_WAITFORONE;
  for (; done < count; ++done) {
    const ssize_t result = hook_recvmsg(fd, &messages[done].msg_hdr, each);
    if (result < 0) return done > 0 ? static_cast<int>(done) : -1;
    messages[done].msg_len = static_cast<unsigned>(result);
    if ((flags & MSG_WAITFORONE) != 0) each |= MSG_DONTWAIT;
    if (result == 0) return static_cast<int>(done + 1);
  }
  return static_cast<int>(done);
}

// --- Out -----------------------------------------------------------------------------------------

REPRISE_HOT_CODE ssize_t hook_write(int fd, const void* buffer, std::size_t count) {
  return transmit(fd, {buffer, count}, count, 0,
                  [=](Socket* socket) { return world::write(socket, fd, buffer, count); });
}

extern "C" ssize_t hook___write(int fd, const void* buffer, std::size_t count)
    REPRISE_HOOK_ALIAS(__write, write);

REPRISE_HOT_CODE ssize_t hook_writev(int fd, const iovec* vectors, int count) {
  return transmit(fd, gather_of(vectors, count), bytes_of(vectors, count), 0,
                  [=](Socket* socket) { return world::writev(socket, fd, vectors, count); });
}

ssize_t hook_pwritev2(int fd, const iovec* vectors, int count, off_t offset, int flags) {
  return transmit(fd, gather_of(vectors, count), bytes_of(vectors, count), 0, [=](Socket* socket) {
    return world::pwritev2(socket, fd, vectors, count, offset, flags);
  });
}

REPRISE_HOT_CODE ssize_t hook_send(int fd, const void* buffer, std::size_t count, int flags) {
  return transmit(fd, {buffer, count}, count, flags,
                  [=](Socket* socket) { return world::send(socket, fd, buffer, count, flags); });
}

extern "C" ssize_t hook___send(int fd, const void* buffer, std::size_t count, int flags)
    REPRISE_HOOK_ALIAS(__send, send);

ssize_t hook_sendto(int fd, const void* buffer, std::size_t count, int flags,
                    const sockaddr* address, socklen_t length) {
  return transmit(fd, {buffer, count}, count, flags,
                  [=](Socket* socket) {
                    return world::sendto(socket, fd, buffer, count, flags, address, length);
                  },
                  {address, &length});
}

REPRISE_HOT_CODE ssize_t hook_sendmsg(int fd, const msghdr* message, int flags) {
  if (message->msg_controllen > 0) [[unlikely]]
    give_descriptors(*message);
  return transmit(fd, gather_of(message), bytes_of(message), flags,
                  [=](Socket* socket) { return world::sendmsg(socket, fd, message, flags); },
                  {static_cast<sockaddr*>(message->msg_name), &message->msg_namelen});
}

// One sendmsg after the other, as the kernel does it.
int hook_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (this_thread() == nullptr || descriptors().socket(fd) == nullptr) {
    return world::sendmmsg(nullptr, fd, messages, count, flags);
  }
  for (unsigned done = 0; done < count; ++done) {
    const ssize_t result = hook_sendmsg(fd, &messages[done].msg_hdr, flags);
    if (result < 0) return done > 0 ? static_cast<int>(done) : -1;
    messages[done].msg_len = static_cast<unsigned>(result);
  }
  return static_cast<int>(count);
}

// --- By reference --------------------------------------------------------------------------------

REPRISE_HOT_CODE ssize_t hook_sendfile(int fd, int file, off_t* offset, std::size_t count) {
  Thread* thread = this_thread();
  Socket* socket = thread == nullptr ? nullptr : descriptors().stream(fd);
  if (socket == nullptr) return world::sendfile(nullptr, fd, file, offset, count);
  if (is_ciphertext(*thread, *socket)) [[unlikely]] {
    return transmit_ciphertext(*thread, *socket, [=](Socket* carrier) {
      return world::sendfile(carrier, fd, file, offset, count);
    });
  }
  const long from = offset != nullptr ? *offset : system_call(SYS_lseek, file, 0, SEEK_CUR);
  Sending sending(*thread, *socket, file, failed(from) ? 0 : static_cast<std::uint64_t>(from),
                  count);
  const ssize_t result = world::sendfile(socket, fd, file, offset, count);
  sending.finish(result, result < 0 ? errno : 0);
  return result;
}

extern "C" ssize_t hook_sendfile64(int fd, int file, off64_t* offset, std::size_t count)
    REPRISE_HOOK_ALIAS(sendfile64, sendfile);

// One end is a pipe, whose content nobody knows: what moves is a gap in the connection.
ssize_t hook_splice(int in, off64_t* in_offset, int out, off64_t* out_offset, std::size_t count,
                    unsigned flags) {
  Thread* thread = this_thread();
  Socket* source = thread == nullptr ? nullptr : descriptors().stream(in);
  Socket* target = thread == nullptr ? nullptr : descriptors().stream(out);
  const ssize_t result = world::splice(target, in, in_offset, out, out_offset, count, flags);
  if (source == nullptr && target == nullptr) return result;
  const int error = errno;
  if (source != nullptr) record_unseen(*thread, source->in_offset, result);
  if (target != nullptr) record_unseen(*thread, target->out_offset, result);
  errno = error;
  return result;
}

}  // namespace reprise::agent
