#include "agent/datagram.h"

#include <errno.h>
#include <string.h>

#include "agent/process.h"
#include "agent/record.h"
#include "agent/world/world.h"

namespace reprise::agent {

constinit DatagramFlow datagram_flows[kFlows]{};

namespace {

constexpr std::uint32_t kRow = 8;  // neighbours among which a flow is looked for
// Sockets' own cookies are counted up by the kernel, and stay below.
constexpr abi::Cookie kFlowCookie = abi::kSpokenCookie >> 1;

constinit std::atomic<std::uint64_t> opened_flows = 0;

std::uint64_t hash_of(const void* bytes, std::size_t length, std::uint64_t hash) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  for (std::size_t i = 0; i < length; ++i) hash = (hash ^ at[i]) * 1099511628211u;  // FNV-1a
  return hash;
}

std::uint64_t key_of(const Socket& socket, const abi::SocketAddress& peer) {
  const std::uint64_t who[] = {process().index, socket.cookie.load(std::memory_order_relaxed)};
  const std::uint64_t hash = hash_of(who, sizeof who, 14695981039346656037u);
  return hash_of(peer.bytes, peer.length, hash) | 1;
}

std::uint32_t row_of(std::uint64_t key) { return (key >> 40) % (kFlows / kRow) * kRow; }

int family_of(const abi::SocketAddress& address) {
  sa_family_t family = AF_UNSPEC;
  if (address.length >= sizeof family) memcpy(&family, address.bytes, sizeof family);
  return family;
}

bool is_followed_family(int family) {
  return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

void record_close(Thread& thread, abi::Cookie cookie) {
  if (Record<abi::Close> record{thread, abi::RecordType::kClose, stamp()}) {
    record->socket = cookie;
    record->unread = 0;
    record.commit();
  }
}

void record_opened(Thread& thread, const DatagramFlow& flow) {
  const std::uint64_t enter = stamp();
  if (Record<abi::Connect> record{thread, abi::RecordType::kConnect, enter}) {
    record->exit = enter;
    record->socket = flow.cookie;
    record->error = 0;
    record->type = SOCK_DGRAM;
    record->peer = flow.peer;
    record->local = {};
    record.commit();
  }
}

void close_flow(Thread& thread, DatagramFlow& flow) {
  record_close(thread, flow.cookie);
  flow.key.store(0, std::memory_order_release);
}

// A place in the row of `key`: a free one, else the one that was opened first.
DatagramFlow& place_for(Thread& thread, std::uint64_t key) {
  DatagramFlow* oldest = nullptr;
  for (std::uint32_t i = 0; i < kRow; ++i) {
    DatagramFlow& flow = datagram_flows[row_of(key) + i];
    if (flow.key.load(std::memory_order_acquire) == 0) return flow;
    if (oldest == nullptr || flow.cookie < oldest->cookie) oldest = &flow;
  }
  close_flow(thread, *oldest);
  return *oldest;
}

DatagramFlow& open_flow(Thread& thread, Socket& socket, int fd, const abi::SocketAddress& peer) {
  const std::uint64_t key = key_of(socket, peer);
  DatagramFlow& flow = place_for(thread, key);
  // Counted from a place of each process's own, as nobody else names them.
  const std::uint64_t number = opened_flows.fetch_add(1, std::memory_order_relaxed);
  flow.cookie = kFlowCookie | std::uint64_t{process().index} << 40 | number;
  flow.socket = socket.cookie.load(std::memory_order_relaxed);
  flow.in_offset.store(0, std::memory_order_relaxed);
  flow.out_offset.store(0, std::memory_order_relaxed);
  flow.peer = peer;
  flow.key.store(key, std::memory_order_release);
  socket.set(kHasFlows);
  world::flow_opened(thread, socket, fd, static_cast<std::uint32_t>(&flow - datagram_flows));
  record_opened(thread, flow);
  return flow;
}

// The last one that was opened of this socket, for a datagram of which nobody asked the source.
std::uint32_t latest_flow(const Socket& socket) {
  const abi::Cookie cookie = socket.cookie.load(std::memory_order_relaxed);
  std::uint32_t latest = kFlows;
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    const DatagramFlow& flow = datagram_flows[i];
    if (flow.key.load(std::memory_order_acquire) == 0 || flow.socket != cookie) continue;
    if (latest == kFlows || flow.cookie > datagram_flows[latest].cookie) latest = i;
  }
  return latest;
}

void write_read(Thread& thread, abi::Cookie cookie, std::uint64_t offset, std::uint64_t enter,
                Gather gather, std::uint64_t requested, std::uint64_t length, int error) {
  const std::uint64_t exit = stamp();
  write_parts<abi::BytesIn>(
      thread, abi::RecordType::kBytesIn, enter, 0, gather, length, false,
      [&](Record<abi::BytesIn>& record, std::uint64_t done, std::uint32_t part) {
        record->exit = exit;
        record->socket = cookie;
        record->offset = offset + done;
        record->requested = requested;
        record->error = error;
        record->length = part;
      });
}

}  // namespace

std::uint32_t find_flow(const Socket& socket, const abi::SocketAddress& peer) {
  const std::uint64_t key = key_of(socket, peer);
  for (std::uint32_t i = row_of(key); i < row_of(key) + kRow; ++i) {
    if (datagram_flows[i].key.load(std::memory_order_acquire) == key) return i;
  }
  return kFlows;
}

abi::Cookie reported_cookie(const Socket& socket) {
  const std::uint32_t flow = socket.has(kHasFlows) ? latest_flow(socket) : kFlows;
  return flow == kFlows ? socket.cookie.load(std::memory_order_relaxed)
                        : datagram_flows[flow].cookie;
}

DatagramSending::DatagramSending(Thread& thread, Socket& socket, int fd, const sockaddr* to,
                                 socklen_t to_length, Gather gather, std::uint64_t length)
    : thread_(thread), enter_(stamp()) {
  if (socket.type != SOCK_DGRAM || length == 0) return;
  std::atomic<std::uint64_t>* sent = nullptr;
  if (to == nullptr) {
    if (!socket.has(kFollowed)) return;
    cookie_ = socket.cookie.load(std::memory_order_relaxed);
    sent = &socket.out_offset;
  } else {
    const int before = errno;
    const abi::SocketAddress peer = socket_address(to, to_length);
    if (!is_followed_family(family_of(peer))) return;
    const std::uint32_t known = find_flow(socket, peer);
    if (known == kFlows && socket.has(kServes)) return;
    DatagramFlow& flow =
        known == kFlows ? open_flow(thread, socket, fd, peer) : datagram_flows[known];
    cookie_ = flow.cookie;
    sent = &flow.out_offset;
    errno = before;
  }
  offset_ = sent->fetch_add(length, std::memory_order_relaxed);
  write_parts<abi::SendIntent>(
      thread, abi::RecordType::kSendIntent, enter_, 0, gather, length, false,
      [&](Record<abi::SendIntent>& record, std::uint64_t done, std::uint32_t part) {
        record->socket = cookie_;
        record->offset = offset_ + done;
        record->length = part;
        record->reserved = 0;
      });
}

// One that was refused keeps its place in what was sent: it was said, and is not said again.
void DatagramSending::finish(ssize_t result) {
  if (cookie_ == 0) return;
  const int error = errno;
  if (Record<abi::SendResult> record{thread_, abi::RecordType::kSendResult, enter_}) {
    record->exit = stamp();
    record->socket = cookie_;
    record->offset = offset_;
    record->result = result;
    record->error = result < 0 ? error : 0;
    record->reserved = 0;
    record.commit();
  }
  errno = error;
}

void record_datagram(Thread& thread, Socket& socket, std::uint64_t enter, Gather gather,
                     std::uint64_t requested, ssize_t result, const sockaddr* from,
                     socklen_t from_length) {
  if (socket.type != SOCK_DGRAM || result == 0) return;
  const int error = errno;
  if (result < 0 && (!socket.has(kFollowed) || error == EAGAIN || error == EINTR)) return;
  // MSG_TRUNC tells a length beyond what the buffer holds.
  std::uint64_t length = result < 0 ? 0 : static_cast<std::uint64_t>(result);
  if (length > requested) length = requested;
  if (socket.has(kFollowed)) {
    const std::uint64_t offset = socket.in_offset.fetch_add(length, std::memory_order_relaxed);
    const abi::Cookie cookie = socket.cookie.load(std::memory_order_relaxed);
    write_read(thread, cookie, offset, enter, gather, requested, length, result < 0 ? error : 0);
    if (length > 0) world::datagram_read(thread, socket, kFlows, offset);
  } else {
    const abi::SocketAddress peer = socket_address(from, from == nullptr ? 0 : from_length);
    const std::uint32_t known = peer.length > 0 ? find_flow(socket, peer) : latest_flow(socket);
    if (known == kFlows) {
      socket.set(kServes);
    } else {
      DatagramFlow& flow = datagram_flows[known];
      const std::uint64_t offset = flow.in_offset.fetch_add(length, std::memory_order_relaxed);
      write_read(thread, flow.cookie, offset, enter, gather, requested, length, 0);
      world::datagram_read(thread, socket, known, offset);
    }
  }
  errno = error;
}

void end_datagram_connection(Thread& thread, Socket& socket) {
  if (!socket.has(kFollowed)) return;
  socket.clear(kFollowed);
  record_close(thread, socket.cookie.load(std::memory_order_relaxed));
}

void begin_datagram_connection(Socket& socket) {
  if (!is_followed_family(socket.family)) return;
  socket.in_offset.store(0, std::memory_order_relaxed);
  socket.out_offset.store(0, std::memory_order_relaxed);
  socket.set(kFollowed);
}

void close_flows(Thread& thread, const Socket& socket) {
  const abi::Cookie cookie = socket.cookie.load(std::memory_order_relaxed);
  if (!socket.has(kHasFlows)) return;
  for (DatagramFlow& flow : datagram_flows) {
    const bool open = flow.key.load(std::memory_order_acquire) != 0;
    if (open && flow.socket == cookie) close_flow(thread, flow);
  }
}

}  // namespace reprise::agent
