// Socket addresses between the agent's form, the event model's and Asio's.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>

#include "agent/abi/records.h"
#include "event/event.h"

namespace reprise::replayer {

// "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name"; "" for none.
[[nodiscard]] std::string address_text(const abi::SocketAddress& address);
[[nodiscard]] event::Address address_of(const abi::SocketAddress& address);
// Truncates what is longer than the agent can tell.
[[nodiscard]] abi::SocketAddress to_abi(const event::Address& address);
[[nodiscard]] abi::SocketAddress to_abi(const boost::asio::ip::address& address,
                                        std::uint16_t port);
// The port in host order, 0 when the family has none.
[[nodiscard]] std::uint16_t port_of(const abi::SocketAddress& address);
[[nodiscard]] std::uint16_t port_of(const event::Address& address);
// AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC for none.
[[nodiscard]] int family_of(const abi::SocketAddress& address);

}  // namespace reprise::replayer
