// The world as it is: connections and their bytes.
#include "agent/hot.h"
#include "agent/original.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent::world {

int listen(Socket*, int fd, int backlog) { return original().listen(fd, backlog); }

int accept4(Socket*, int fd, sockaddr* address, socklen_t* length, int flags) {
  return original().accept4(fd, address, length, flags);
}

int accept(Socket*, int fd, sockaddr* address, socklen_t* length) {
  return original().accept(fd, address, length);
}

int connect(Socket*, int fd, const sockaddr* address, socklen_t length) {
  return original().connect(fd, address, length);
}

int shutdown(Socket*, int fd, int how) { return original().shutdown(fd, how); }

int getsockopt(Socket*, int fd, int level, int name, void* value, socklen_t* length) {
  return original().getsockopt(fd, level, name, value, length);
}

// These two are the agent's own questions: the service's are not hooked here.
int getsockname(Socket*, int fd, sockaddr* address, socklen_t* length) {
  return failed(system_call(SYS_getsockname, fd, address_of(address), address_of(length))) ? -1 : 0;
}

int getpeername(Socket*, int fd, sockaddr* address, socklen_t* length) {
  return failed(system_call(SYS_getpeername, fd, address_of(address), address_of(length))) ? -1 : 0;
}

int close(Socket*, int fd) { return original().close(fd); }

void accepted(Thread&, Socket&, Socket&, AcceptedAs&) {}

void flow_opened(Thread&, Socket&, int, std::uint32_t) {}

void datagram_read(Thread&, Socket&, std::uint32_t, std::uint64_t) {}

void taken(Thread&, Socket&) {}

REPRISE_HOT_CODE ssize_t read(Socket*, int fd, void* buffer, std::size_t count) {
  return original().read(fd, buffer, count);
}

ssize_t readv(Socket*, int fd, const iovec* vectors, int count) {
  return original().readv(fd, vectors, count);
}

ssize_t preadv2(Socket*, int fd, const iovec* vectors, int count, off_t offset, int flags) {
  return original().preadv2(fd, vectors, count, offset, flags);
}

REPRISE_HOT_CODE ssize_t recv(Socket*, int fd, void* buffer, std::size_t count, int flags) {
  return original().recv(fd, buffer, count, flags);
}

ssize_t recvfrom(Socket*, int fd, void* buffer, std::size_t count, int flags, sockaddr* address,
                 socklen_t* length) {
  return original().recvfrom(fd, buffer, count, flags, address, length);
}

REPRISE_HOT_CODE ssize_t recvmsg(Socket*, int fd, msghdr* message, int flags) {
  return original().recvmsg(fd, message, flags);
}

int recvmmsg(Socket*, int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return original().recvmmsg(fd, messages, count, flags, timeout);
}

REPRISE_HOT_CODE ssize_t write(Socket*, int fd, const void* buffer, std::size_t count) {
  return original().write(fd, buffer, count);
}

REPRISE_HOT_CODE ssize_t writev(Socket*, int fd, const iovec* vectors, int count) {
  return original().writev(fd, vectors, count);
}

ssize_t pwritev2(Socket*, int fd, const iovec* vectors, int count, off_t offset, int flags) {
  return original().pwritev2(fd, vectors, count, offset, flags);
}

REPRISE_HOT_CODE ssize_t send(Socket*, int fd, const void* buffer, std::size_t count, int flags) {
  return original().send(fd, buffer, count, flags);
}

ssize_t sendto(Socket*, int fd, const void* buffer, std::size_t count, int flags,
               const sockaddr* address, socklen_t length) {
  return original().sendto(fd, buffer, count, flags, address, length);
}

REPRISE_HOT_CODE ssize_t sendmsg(Socket*, int fd, const msghdr* message, int flags) {
  return original().sendmsg(fd, message, flags);
}

int sendmmsg(Socket*, int fd, mmsghdr* messages, unsigned count, int flags) {
  return original().sendmmsg(fd, messages, count, flags);
}

REPRISE_HOT_CODE ssize_t sendfile(Socket*, int fd, int file, off_t* offset, std::size_t count) {
  return original().sendfile(fd, file, offset, count);
}

ssize_t splice(Socket*, int in, off64_t* in_offset, int out, off64_t* out_offset, std::size_t count,
               unsigned flags) {
  return original().splice(in, in_offset, out, out_offset, count, flags);
}

void sending_plaintext(Thread&, Socket&) {}

int verify_peer(Socket*, unsigned*, int (*verify)(void*), void* context) { return verify(context); }

REPRISE_HOT_CODE void bytes_read(Thread&, Socket&, std::uint64_t, ssize_t, int) {}

void connected(Thread&, Socket&) {}

void closed(Socket&) {}

}  // namespace reprise::agent::world
