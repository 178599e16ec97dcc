// The hooks that make and end connections; syscall() calls them too.
#pragma once

#include <sys/socket.h>

#include "agent/hooks/hook.h"

namespace reprise::agent {
extern "C" {
int hook_socket(int family, int type, int protocol) REPRISE_HOOK(socket);
int hook_socketpair(int family, int type, int protocol, int* ends) REPRISE_HOOK(socketpair);
int hook_listen(int fd, int backlog) REPRISE_HOOK(listen);
int hook_accept(int fd, sockaddr* address, socklen_t* length) REPRISE_HOOK(accept);
int hook_accept4(int fd, sockaddr* address, socklen_t* length, int flags) REPRISE_HOOK(accept4);
int hook_connect(int fd, const sockaddr* address, socklen_t length) REPRISE_HOOK(connect);
int hook_getsockopt(int fd, int level, int name, void* value, socklen_t* length)
    REPRISE_HOOK(getsockopt);
int hook_shutdown(int fd, int how) REPRISE_HOOK(shutdown);
}
}  // namespace reprise::agent
