// The addresses of connections that only the SDK's words make (agent/abi/records.h, kSpokenPrefix).
// Plain functions; any thread.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "agent/abi/records.h"

namespace reprise::agent {

// The abstract Unix address of that name.
inline abi::SocketAddress spoken_address(const char* name, std::size_t length) {
  constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path) + 1;  // behind the zero byte
  abi::SocketAddress address{};
  const sa_family_t family = AF_UNIX;
  memcpy(address.bytes, &family, sizeof family);
  const std::size_t room = sizeof(sockaddr_un) - kPath;
  if (length > room) length = room;
  memcpy(address.bytes + kPath, name, length);
  address.length = static_cast<std::uint16_t>(kPath + length);
  return address;
}

// The peer of all annotated calls.
inline abi::SocketAddress address_of_calls() {
  constexpr char kName[] = "reprise/annotated";
  return spoken_address(kName, sizeof kName - 1);
}

}  // namespace reprise::agent
