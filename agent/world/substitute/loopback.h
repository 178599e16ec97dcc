// Where the sockets of a replayed service really are: on the loopback addresses, on ports the
// kernel picks, and in the session's directory. So replays run side by side and reach nothing else.
//
// Threading: any thread.
#pragma once

#include "agent/abi/records.h"

namespace reprise::agent {

// Names the session's directory; the path lives as long as the process. Start-up only.
void set_session_directory(const char* control_path);

// Loopback, any port, of the family and form of `like`: 127.0.0.1, [::1] or [::ffff:127.0.0.1].
[[nodiscard]] abi::SocketAddress loopback_like(const abi::SocketAddress& like);
// [::ffff:127.0.0.1], any port, for machines without [::1].
[[nodiscard]] abi::SocketAddress mapped_loopback();
// A Unix socket's place in the session's directory: one for each path, however long. An abstract
// name becomes a file too.
[[nodiscard]] abi::SocketAddress session_place_of(const abi::SocketAddress& path);

// The path of a session's place, null-terminated, where a socket is there that the service bound to
// `path`; false when there is none.
struct SessionPlace {
  char path[sizeof(abi::SocketAddress{}.bytes)];
};
[[nodiscard]] bool find_session_place(const char* path, SessionPlace& place);

// An unnamed Unix socket's address; and whether an address is a name that the kernel picked
// (autobind, unix(7)).
[[nodiscard]] abi::SocketAddress unnamed();
[[nodiscard]] bool is_autobound(const abi::SocketAddress& address);

// `address` as a socket of `family` can use it: an IPv4 address becomes a mapped one for AF_INET6.
[[nodiscard]] abi::SocketAddress in_family(const abi::SocketAddress& address, int family);

[[nodiscard]] int family_of(const abi::SocketAddress& address);
[[nodiscard]] bool is_internet(int family);
// An AF_INET6 address that stands for an IPv4 one.
[[nodiscard]] bool is_mapped(const abi::SocketAddress& address);

// Binds `fd`, whose socket is of `family`, to loopback as `like` asks for. 0 or -errno.
[[nodiscard]] long bind_to_loopback(int fd, const abi::SocketAddress& like);

}  // namespace reprise::agent
