// Socket addresses between the agent's form, the event model's and Asio's; what is done to
// sockets of ours.
#pragma once

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>

#include "agent/abi/records.h"
#include "event/event.h"

namespace reprise::replayer {

// "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name"; "" for none. "annotated" and "entry:NAME"
// for what the SDK says.
[[nodiscard]] std::string address_text(const abi::SocketAddress& address);
[[nodiscard]] event::Address address_of(const abi::SocketAddress& address);
// Truncates what is longer than the agent can tell.
[[nodiscard]] abi::SocketAddress to_abi(const event::Address& address);
[[nodiscard]] abi::SocketAddress to_abi(const boost::asio::ip::address& address,
                                        std::uint16_t port);
// The port in host order, 0 when the family has none.
[[nodiscard]] std::uint16_t port_of(const abi::SocketAddress& address);
[[nodiscard]] std::uint16_t port_of(const event::Address& address);
// Whether it is one that only the SDK's words make (abi::kSpokenPrefix).
[[nodiscard]] bool is_spoken(const abi::SocketAddress& address);
// AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC for none.
[[nodiscard]] int family_of(const abi::SocketAddress& address);

// What ::getsockname or ::getpeername says of a socket; length 0 when it fails.
[[nodiscard]] abi::SocketAddress name_of(int socket, int (*ask)(int, sockaddr*, socklen_t*));
// A Unix address without a name; bind(2) picks one for it (autobind, unix(7)).
[[nodiscard]] abi::SocketAddress unnamed_unix();
// Any address of the family to bind to: a free port of the loopback, of IPv4 that of
// 127.0.0.`host`, or a Unix name that the kernel picks.
[[nodiscard]] abi::SocketAddress any_address(int family, std::uint8_t host = 1);
// Binds a client's socket to such an address, and says which; "" when it cannot.
[[nodiscard]] std::string bind_for_client(int socket, int family, std::uint8_t host = 1);
// The IPv4 address that an AF_INET6 one stands for; others as they are.
[[nodiscard]] abi::SocketAddress unmapped(const abi::SocketAddress& address);
// The path of a Unix socket that has one.
[[nodiscard]] std::string unix_path(const abi::SocketAddress& address);

// Tells the sender on the other end of a TCP connection at once that its bytes arrived. A delayed
// acknowledgement would keep its next small write back (RFC 896) for 40 ms of real time. Linux
// forgets the wish, so it is asked for after each read.
void acknowledge(int socket);

}  // namespace reprise::replayer
