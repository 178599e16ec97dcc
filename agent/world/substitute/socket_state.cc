#include "agent/world/substitute/socket_state.h"

#include <sys/mman.h>

#include <cstring>

#include "agent/system_call.h"
#include "agent/world/substitute/control.h"

namespace reprise::agent {
namespace {

constinit SocketState* states = nullptr;
constinit std::uint32_t state_count = 0;

void reset(SocketState& state, abi::Cookie cookie) {
  state.link.store(abi::kNone, std::memory_order_relaxed);
  state.consumed.store(0, std::memory_order_relaxed);
  state.accepted = 0;
  state.read_by_others = 0;
  state.bound = false;
  state.opened = false;
  state.outcome_pending = false;
  state.outcome = 0;
  state.told_local.length = 0;
  state.told_peer.length = 0;
  state.asked.length = 0;
  state.actual.length = 0;
  state.receive_timeout_ns.store(0, std::memory_order_relaxed);
  state.send_timeout_ns.store(0, std::memory_order_relaxed);
  state.cookie.store(cookie, std::memory_order_release);
}

}  // namespace

bool map_socket_states(std::uint32_t capacity) {
  const long mapped =
      system_call(SYS_mmap, 0, static_cast<long>(capacity * sizeof(SocketState)),
                  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(mapped)) return false;
  states = reinterpret_cast<SocketState*>(mapped);
  state_count = capacity;
  return true;
}

SocketState* state_of(const Socket& socket) {
  const std::uint32_t index = socket.index();
  if (index >= state_count) return nullptr;
  SocketState& state = states[index];
  const abi::Cookie cookie = socket.cookie.load(std::memory_order_relaxed);
  if (state.cookie.load(std::memory_order_acquire) != cookie) reset(state, cookie);
  return &state;
}

abi::Link* link_of(const SocketState& state) {
  return control().link(state.link.load(std::memory_order_relaxed));
}

MarkAt mark_at(const abi::Link& link, std::uint64_t offset) {
  const std::uint32_t published = link.marks.load(std::memory_order_acquire);
  const std::uint32_t oldest = published > abi::kMarks ? published - abi::kMarks : 0;
  for (std::uint32_t number = published; number > oldest; --number) {
    const abi::Mark& mark = link.ring[(number - 1) % abi::kMarks];
    if (mark.offset <= offset) return {&mark, number - 1};
  }
  return {};
}

abi::SocketAddress to_address(const sockaddr* address, socklen_t length) {
  abi::SocketAddress result = {};
  if (address == nullptr) return result;
  result.length =
      static_cast<std::uint16_t>(length < sizeof result.bytes ? length : sizeof result.bytes);
  std::memcpy(result.bytes, address, result.length);
  return result;
}

void copy_out(const abi::SocketAddress& from, sockaddr* address, socklen_t* length) {
  if (address == nullptr || length == nullptr) return;
  std::memcpy(address, from.bytes, *length < from.length ? *length : from.length);
  *length = from.length;
}

abi::SocketAddress kernel_local_address(int fd) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof storage;
  if (failed(system_call(SYS_getsockname, fd, address_of(&storage), address_of(&length))))
    return {};
  return to_address(reinterpret_cast<const sockaddr*>(&storage), length);
}

}  // namespace reprise::agent
