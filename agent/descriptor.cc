#include "agent/descriptor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/arena_mapping.h"
#include "agent/hot.h"
#include "agent/process.h"
#include "agent/system_call.h"

namespace reprise::agent {

REPRISE_HOT constinit DescriptorTable descriptor_table;

namespace {

// Of sockets only; false on failure.
template <typename Value>
bool socket_option(int fd, int name, Value& value) {
  socklen_t length = sizeof(value);
  return !failed(
      system_call(SYS_getsockopt, fd, SOL_SOCKET, name, address_of(&value), address_of(&length)));
}

// The kernel's name of a socket; where the service forbids the question, one that no kernel gives.
abi::Cookie cookie_of(int fd) {
  static constinit std::atomic<std::uint32_t> made_up = 0;
  abi::Cookie cookie = 0;
  if (socket_option(fd, SO_COOKIE, cookie)) return cookie;
  constexpr abi::Cookie kMadeUp = abi::Cookie{1} << 62;
  return kMadeUp | abi::Cookie{process().index} << 32 |
         made_up.fetch_add(1, std::memory_order_relaxed);
}

bool is_random_device(int fd) {
  struct stat status;
  if (failed(system_call(SYS_fstat, fd, address_of(&status)))) return false;
  constexpr unsigned kMemoryDevices = 1;  // Linux: Documentation/admin-guide/devices.txt
  const unsigned number = minor(status.st_rdev);
  return S_ISCHR(status.st_mode) && major(status.st_rdev) == kMemoryDevices &&
         (number == 8 || number == 9);
}

void* map_private(std::size_t bytes) {
  const long result = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(result)) return nullptr;
  system_call(SYS_madvise, result, static_cast<long>(bytes), MADV_DONTDUMP);
  return reinterpret_cast<void*>(result);
}

}  // namespace

bool DescriptorTable::map(std::uint32_t capacity) {
  void* entries = map_private(capacity * sizeof(*entries_));
  void* sockets = map_private(capacity * sizeof(*sockets_));
  if (entries == nullptr || sockets == nullptr) return false;
  entries_ = static_cast<std::atomic<std::uint64_t>*>(entries);
  sockets_ = static_cast<Socket*>(sockets);
  capacity_ = capacity;
  return true;
}

void DescriptorTable::note_used(int fd) {
  const auto needed = static_cast<std::uint32_t>(fd) + 1;
  std::uint32_t seen = used_.load(std::memory_order_relaxed);
  while (seen < needed && !used_.compare_exchange_weak(seen, needed, std::memory_order_relaxed)) {
  }
}

// There are as many Sockets as descriptors, so a free one is always found; usually the first.
Socket* DescriptorTable::claim_socket(int fd) {
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    Socket& socket = sockets_[(static_cast<std::uint32_t>(fd) + i) % capacity_];
    std::uint32_t expected = 0;
    if (socket.descriptors.load(std::memory_order_relaxed) == 0 &&
        socket.descriptors.compare_exchange_strong(expected, 1, std::memory_order_acquire)) {
      return &socket;
    }
  }
  return nullptr;
}

// Installs what `fd` is now; returns the Socket that it was the last descriptor for until then.
Socket* DescriptorTable::put(int fd, DescriptorKind kind, Socket* socket) {
  note_used(fd);
  std::uint64_t before = entries_[fd].load(std::memory_order_relaxed);
  std::uint64_t after;
  do {
    after = pack({kind, unpack(before).generation + 1, socket != nullptr ? index_of(*socket) : 0});
  } while (!entries_[fd].compare_exchange_weak(before, after, std::memory_order_acq_rel));
  return holds_socket(unpack(before).kind) ? drop(sockets_[unpack(before).socket]) : nullptr;
}

Socket* DescriptorTable::open_socket(int fd, int family, int type, std::uint32_t flags) {
  Socket* socket = static_cast<std::uint32_t>(fd) < capacity_ ? claim_socket(fd) : nullptr;
  if (socket == nullptr) {
    arena().header->unslotted_records.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  socket->cookie.store(cookie_of(fd), std::memory_order_relaxed);
  socket->flags.store(flags, std::memory_order_relaxed);
  socket->in_offset.store(0, std::memory_order_relaxed);
  socket->out_offset.store(0, std::memory_order_relaxed);
  socket->family = family;
  socket->type = type;
  const DescriptorKind kind =
      type == SOCK_STREAM ? DescriptorKind::kStream : DescriptorKind::kDatagram;
  // What the number meant before was closed where no hook saw it.
  if (Socket* stale = put(fd, kind, socket)) release(*stale);
  return socket;
}

void DescriptorTable::open_other(int fd, DescriptorKind kind) {
  if (static_cast<std::uint32_t>(fd) >= capacity_) return;
  if (Socket* stale = put(fd, kind, nullptr)) release(*stale);
}

Descriptor DescriptorTable::classify(int fd, std::uint64_t seen) {
  int type = 0;
  Descriptor found{DescriptorKind::kOther, unpack(seen).generation, 0};
  Socket* socket = nullptr;
  if (socket_option(fd, SO_TYPE, type)) {
    socket = claim_socket(fd);
    if (socket == nullptr) return {};
    int family = 0;
    int listening = 0;
    socket_option(fd, SO_DOMAIN, family);
    socket_option(fd, SO_ACCEPTCONN, listening);
    const long status = system_call(SYS_fcntl, fd, F_GETFL);
    socket->cookie.store(cookie_of(fd), std::memory_order_relaxed);
    socket->flags.store((listening != 0 ? kListening : 0u) |
                            (!failed(status) && (status & O_NONBLOCK) != 0 ? kNonblocking : 0u),
                        std::memory_order_relaxed);
    socket->in_offset.store(0, std::memory_order_relaxed);
    socket->out_offset.store(0, std::memory_order_relaxed);
    socket->family = family;
    socket->type = type;
    found.kind = type == SOCK_STREAM ? DescriptorKind::kStream : DescriptorKind::kDatagram;
    found.socket = index_of(*socket);
  } else if (failed(system_call(SYS_fcntl, fd, F_GETFD))) {
    return {};  // no such descriptor: nothing to remember
  } else if (is_random_device(fd)) {
    found.kind = DescriptorKind::kRandomDevice;
  }
  note_used(fd);
  if (entries_[fd].compare_exchange_strong(seen, pack(found), std::memory_order_acq_rel))
    return found;
  // Another thread was faster, or the descriptor was closed meanwhile.
  if (socket != nullptr) release(*socket);
  return unpack(seen);
}

Socket* DescriptorTable::share(int from, int to) {
  if (static_cast<std::uint32_t>(to) >= capacity_ || from == to) return nullptr;
  const Descriptor source = find(from);
  DescriptorKind kind = source.kind;
  Socket* socket = nullptr;
  if (holds_socket(kind)) {
    socket = &sockets_[source.socket];
    socket->descriptors.fetch_add(1, std::memory_order_relaxed);
  } else if (to == 1 || to == 2) {
    kind = to == 1 ? DescriptorKind::kStdout : DescriptorKind::kStderr;
  }
  return put(to, kind, socket);
}

Socket* DescriptorTable::forget(int fd) {
  if (static_cast<std::uint32_t>(fd) >= capacity_) return nullptr;
  std::uint64_t before = entries_[fd].load(std::memory_order_relaxed);
  std::uint64_t after;
  do {
    if (unpack(before).kind == DescriptorKind::kUnknown) return nullptr;
    after = pack({DescriptorKind::kUnknown, unpack(before).generation + 1, 0});
  } while (!entries_[fd].compare_exchange_weak(before, after, std::memory_order_acq_rel));
  if (!holds_socket(unpack(before).kind)) return nullptr;
  return drop(sockets_[unpack(before).socket]);
}

// One descriptor less for `socket`; returns it when there is no other.
Socket* DescriptorTable::drop(Socket& socket) {
  std::uint32_t count = socket.descriptors.load(std::memory_order_acquire);
  while (count > 1) {
    if (socket.descriptors.compare_exchange_weak(count, count - 1, std::memory_order_acq_rel)) {
      return nullptr;
    }
  }
  return &socket;
}

void DescriptorTable::release(Socket& socket) {
  socket.descriptors.fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace reprise::agent
