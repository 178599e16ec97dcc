#include "agent/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/datagram.h"
#include "agent/hot.h"
#include "agent/open_file.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// A large non-blocking send is announced only this far: the kernel takes a part of it, the service
// comes again with the rest, and announcing all of the rest each time would be quadratic.
constexpr std::uint64_t kAnnouncedAhead = std::uint64_t{256} * 1024;

bool may_block(int fd, int flags) {
  if ((flags & MSG_DONTWAIT) != 0) return false;
  const long status = system_call(SYS_fcntl, fd, F_GETFL);
  return failed(status) || (status & O_NONBLOCK) == 0;
}

// Files whose path this process has recorded, by identity; asking for a path costs more than the
// rest of a small sendfile.
constexpr std::size_t kKnownFiles = 1024;
constinit std::atomic<std::uint64_t> known_files[kKnownFiles]{};

std::uint64_t file_identity(const FileState& file) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15u;
  std::uint64_t hash = file.device * kPrime;
  hash = (hash ^ file.inode) * kPrime;
  hash = (hash ^ file.modified_ns) * kPrime;
  return hash | 1;
}

bool is_known_file(std::uint64_t identity) {
  return known_files[identity >> 54].load(std::memory_order_relaxed) == identity;
}

void note_known_file(std::uint64_t identity) {
  known_files[identity >> 54].store(identity, std::memory_order_relaxed);
}

}  // namespace

abi::SocketAddress socket_address(const sockaddr* address, socklen_t length) {
  abi::SocketAddress copy{};
  if (address == nullptr) return copy;
  const std::size_t used = length < sizeof(copy.bytes) ? length : sizeof(copy.bytes);
  copy.length = static_cast<std::uint16_t>(used);
  if (!reprise_copy_bytes(copy.bytes, address, used)) return {};
  return copy;
}

REPRISE_HOT_CODE Receiving::Receiving(Thread& thread, Socket& socket, std::uint64_t requested,
                                      std::uint64_t enter)
    : thread_(thread),
      socket_(socket),
      cookie_(socket.cookie.load(std::memory_order_relaxed)),
      requested_(requested),
      enter_(enter) {
  learn_from_use(thread, socket);
}

REPRISE_HOT_CODE void Receiving::finish(ssize_t result, int error, Gather& gather) {
  if (result >= 0) error = 0;
  const std::uint64_t exit = stamp();
  const std::uint64_t length = result > 0 ? static_cast<std::uint64_t>(result) : 0;
  // Another connection has the Socket when this one was closed under the read; its bytes count no
  // more.
  const bool same = socket_.cookie.load(std::memory_order_relaxed) == cookie_;
  const std::uint64_t offset = socket_.in_offset.load(std::memory_order_relaxed);
  if (same) {
    if (length > 0) socket_.in_offset.fetch_add(length, std::memory_order_relaxed);
    learn_from_transfer(thread_, socket_, result, error);
  }
  write_parts<abi::BytesIn>(
      thread_, abi::RecordType::kBytesIn, enter_, 0, gather, length, false,
      [&](Record<abi::BytesIn>& record, std::uint64_t done, std::uint32_t part) {
        record->exit = exit;
        record->socket = cookie_;
        record->offset = offset + done;
        record->requested = requested_;
        record->error = error;
        record->length = part;
      });
  if (same) world::bytes_read(thread_, socket_, offset, result, error);
}

REPRISE_HOT_CODE Sending::Sending(Thread& thread, Socket& socket, int fd, Gather& gather,
                                  std::uint64_t length, int flags, std::uint64_t enter)
    : thread_(thread),
      socket_(socket),
      cookie_(socket.cookie.load(std::memory_order_relaxed)),
      length_(length),
      enter_(enter),
      rest_(&gather) {
  learn_from_use(thread, socket);
  offset_ = socket.out_offset.fetch_add(length, std::memory_order_relaxed);
  std::uint64_t ahead = length;
  if (length > kAnnouncedAhead && !may_block(fd, flags)) ahead = kAnnouncedAhead;
  announce(0, ahead, ahead < length);
}

Sending::Sending(Thread& thread, Socket& socket, int file, std::uint64_t file_offset,
                 std::uint64_t length)
    : thread_(thread),
      socket_(socket),
      cookie_(socket.cookie.load(std::memory_order_relaxed)),
      length_(length),
      enter_(stamp()),
      rest_(nullptr) {
  learn_from_use(thread, socket);
  const FileState state = look_at_file(thread, file);
  const std::uint64_t left = state.size > file_offset ? state.size - file_offset : 0;
  if (state.regular && left < length_) length_ = left;
  offset_ = socket.out_offset.fetch_add(length_, std::memory_order_relaxed);
  char path[kLongestPath];
  const std::uint64_t identity = file_identity(state);
  const bool known = is_known_file(identity);
  const std::uint32_t path_bytes = known ? 0 : read_descriptor_path(file, path);
  if (Record<abi::FileRange> record{thread, abi::RecordType::kFileRange, enter_, path_bytes}) {
    record->socket = cookie_;
    record->offset = offset_;
    record->device = state.device;
    record->inode = state.inode;
    record->file_size = state.size;
    record->modified_ns = state.modified_ns;
    record->file_offset = file_offset;
    record->length = length_;
    memcpy(record.tail(), path, path_bytes);
    record.commit();
    if (!known) note_known_file(identity);
  }
}

REPRISE_HOT_CODE void Sending::announce(std::uint64_t from, std::uint64_t to, bool more) {
  announced_ = to;
  write_parts<abi::SendIntent>(
      thread_, abi::RecordType::kSendIntent, enter_, 0, *rest_, to - from, more,
      [&](Record<abi::SendIntent>& record, std::uint64_t done, std::uint32_t part) {
        record->socket = cookie_;
        record->offset = offset_ + from + done;
        record->length = part;
        record->reserved = 0;
        intent_ = part == length_ ? place_of(record.start(), record.size()) : Place{};
      });
}

Sending::Place Sending::place_of(const std::byte* record, std::uint32_t bytes) const {
  return {thread_.segment->base_position,
          static_cast<std::uint32_t>(record - thread_.segment_bytes), bytes};
}

// Says in a word that all was taken; false when something came between, which may be in another
// segment by now.
REPRISE_HOT_CODE bool Sending::finish_whole(std::uint64_t exit) {
  const Vacancy vacancy(thread_);
  return intent_.bytes != 0 && intent_.offset + intent_.bytes == vacancy.offset() &&
         intent_.segment == thread_.segment->base_position &&
         write_compact(thread_, vacancy, abi::RecordType::kSendResult, exit - enter_,
                       intent_.bytes);
}

REPRISE_HOT_CODE void Sending::finish(ssize_t result, int error) {
  if (result >= 0) error = 0;
  const std::uint64_t exit = stamp();
  const std::uint64_t taken = result > 0 ? static_cast<std::uint64_t>(result) : 0;
  if (rest_ != nullptr && taken > announced_) announce(announced_, taken, false);
  if (socket_.cookie.load(std::memory_order_relaxed) == cookie_) {
    // Of a file that has grown since, more was sent.
    if (taken != length_) {
      socket_.out_offset.fetch_add(taken - length_, std::memory_order_relaxed);
    }
    learn_from_transfer(thread_, socket_, result, error);
  }
  if (taken == length_ && result >= 0 && finish_whole(exit)) return;
  if (Record<abi::SendResult> record{thread_, abi::RecordType::kSendResult, enter_}) {
    record->exit = exit;
    record->socket = cookie_;
    record->offset = offset_;
    record->result = result;
    record->error = error;
    record->reserved = 0;
    record.commit();
  }
}

void learn_connected(Thread& thread, Socket& socket, int error) {
  // Several threads may learn it; one records it.
  if ((socket.flags.fetch_and(~std::uint32_t{kConnecting}, std::memory_order_acq_rel) &
       kConnecting) == 0) {
    return;
  }
  socket.clear(kReportedUp);
  const int before = errno;
  if (Record<abi::ConnectResult> record{thread, abi::RecordType::kConnectResult, stamp()}) {
    record->socket = socket.cookie.load(std::memory_order_relaxed);
    record->error = error;
    record->reserved = 0;
    record.commit();
  }
  if (error == 0) {
    socket.set(kConnected);
    world::connected(thread, socket);
  }
  errno = before;
}

void finish_socket(Thread& thread, Socket& socket, int fd) {
  learn_from_use(thread, socket);
  const int before = errno;
  if (socket.has(kHelloKept)) record_gap(thread, 0);  // of a handshake that no session had
  int unread = 0;
  if (fd >= 0 && socket.type == SOCK_STREAM && !socket.has(kListening)) {
    system_call(SYS_ioctl, fd, FIONREAD, address_of(&unread));
  }
  if (Record<abi::Close> record{thread, abi::RecordType::kClose, stamp()}) {
    record->socket = socket.cookie.load(std::memory_order_relaxed);
    record->unread = static_cast<std::uint64_t>(unread);
    record.commit();
  }
  close_flows(thread, socket);
  world::closed(socket);
  descriptors().release(socket);
  errno = before;
}

}  // namespace reprise::agent
