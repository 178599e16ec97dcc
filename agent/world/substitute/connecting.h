// Where datagrams of a replayed service go. Connections: world::connect.
//
// Threading: the calling thread.
#pragma once

#include <sys/socket.h>

#include "agent/abi/records.h"
#include "agent/descriptor.h"
#include "agent/thread.h"
#include "agent/world/substitute/socket_state.h"

namespace reprise::agent {

// The place that `message`, sent with its own address on `socket`, may really go to: `actual`, of
// length 0 where the address is to be dropped. 0, or -errno: nothing leaves the machine that the
// replayer does not answer for.
[[nodiscard]] long direct_datagram(Thread* thread, Socket* socket, const msghdr& message, int flags,
                                   abi::SocketAddress& actual);

// The peer that answers from `actual`, as the service knows it; null where that is nobody's place.
[[nodiscard]] const abi::SocketAddress* told_source(const Socket& socket, const SocketState& state,
                                                    const abi::SocketAddress& actual);

}  // namespace reprise::agent
