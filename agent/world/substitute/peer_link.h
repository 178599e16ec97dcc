// The replayer's end of a connection that TLS encrypts.
//
// Threading: any thread.
#pragma once

#include "agent/world/substitute/control.h"
#include "agent/world/substitute/socket_state.h"

namespace reprise::agent {

// The link behind the peer of `socket`; null when it is not known, or nobody of the replayer's.
[[nodiscard]] inline const abi::Link* link_of_peer(const Socket* socket) {
  const SocketState* state = control().attached() ? state_of(socket) : nullptr;
  return state == nullptr ? nullptr : link_of(*state);
}

}  // namespace reprise::agent
