// The hooks that read and write; other hooks call them (syscall(), stdio on sockets).
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>

#include "agent/hooks/hook.h"

namespace reprise::agent {
extern "C" {
ssize_t hook_read(int fd, void* buffer, std::size_t count) REPRISE_HOOK(read);
ssize_t hook___read_chk(int fd, void* buffer, std::size_t count, std::size_t size)
    REPRISE_HOOK(__read_chk);
ssize_t hook_readv(int fd, const iovec* vectors, int count) REPRISE_HOOK(readv);
ssize_t hook_preadv2(int fd, const iovec* vectors, int count, off_t offset, int flags)
    REPRISE_HOOK(preadv2);
ssize_t hook_recv(int fd, void* buffer, std::size_t count, int flags) REPRISE_HOOK(recv);
ssize_t hook___recv_chk(int fd, void* buffer, std::size_t count, std::size_t size, int flags)
    REPRISE_HOOK(__recv_chk);
ssize_t hook_recvfrom(int fd, void* buffer, std::size_t count, int flags, sockaddr* address,
                      socklen_t* length) REPRISE_HOOK(recvfrom);
ssize_t hook___recvfrom_chk(int fd, void* buffer, std::size_t count, std::size_t size, int flags,
                            sockaddr* address, socklen_t* length) REPRISE_HOOK(__recvfrom_chk);
ssize_t hook_recvmsg(int fd, msghdr* message, int flags) REPRISE_HOOK(recvmsg);
int hook_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout)
    REPRISE_HOOK(recvmmsg);

ssize_t hook_write(int fd, const void* buffer, std::size_t count) REPRISE_HOOK(write);
ssize_t hook_writev(int fd, const iovec* vectors, int count) REPRISE_HOOK(writev);
ssize_t hook_pwritev2(int fd, const iovec* vectors, int count, off_t offset, int flags)
    REPRISE_HOOK(pwritev2);
ssize_t hook_send(int fd, const void* buffer, std::size_t count, int flags) REPRISE_HOOK(send);
ssize_t hook_sendto(int fd, const void* buffer, std::size_t count, int flags,
                    const sockaddr* address, socklen_t length) REPRISE_HOOK(sendto);
ssize_t hook_sendmsg(int fd, const msghdr* message, int flags) REPRISE_HOOK(sendmsg);
int hook_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) REPRISE_HOOK(sendmmsg);

ssize_t hook_sendfile(int fd, int file, off_t* offset, std::size_t count) REPRISE_HOOK(sendfile);
ssize_t hook_splice(int in, off64_t* in_offset, int out, off64_t* out_offset, std::size_t count,
                    unsigned flags) REPRISE_HOOK(splice);
}
}  // namespace reprise::agent
