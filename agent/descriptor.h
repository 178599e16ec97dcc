// What the process's file descriptors are, as far as records need to know.
//
// A descriptor is one word in a table: what kind of thing it is and, for a stream socket, which
// Socket. A Socket is what dup() shares: the kernel's name for it (SO_COOKIE) and how far its two
// streams have got. Kinds are found out when a descriptor is first used and remembered ("not a
// socket" too), and forgotten when it is closed. A descriptor that somebody closed behind the hooks
// is put right when a hook next sees its number made: socket, accept, open, dup, a descriptor
// passed in a message.
//
// Both tables are one private mapping made at start-up, as long as the hard limit on descriptors
// allows them to grow; pages that are never used are never backed. A fork copies them, offsets
// included: a child goes on counting where the parent was. Two processes that both go on using one
// connection each count for themselves.
//
// Threading: any thread. Words and offsets are atomics. Two threads that send on one connection at
// once get ranges that do not overlap, in the order in which they announced them. A Socket that is
// closed under a thread that reads from it may be given to another connection: whoever uses one
// across a system call remembers its cookie and looks again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/abi/records.h"

namespace reprise::agent {

enum class DescriptorKind : std::uint8_t {
  kUnknown = 0,   // not looked at since it was made
  kOther,         // nothing that is recorded
  kStream,        // a stream socket, listeners included
  kDatagram,      // a datagram or sequenced socket
  kRandomDevice,  // /dev/urandom, /dev/random
  kStdout,        // what descriptor 1 was at start or became by dup2
  kStderr,
};

enum SocketFlags : std::uint32_t {
  kListening = 1u << 0,
  kConnecting = 1u << 1,  // connect said EINPROGRESS; the service has not learnt the outcome
  kConnected = 1u << 2,
  kNonblocking = 1u << 3,  // O_NONBLOCK as far as fcntl, ioctl and the creating call told
  // A wait reported that the connect in progress has succeeded; the service learns it when it next
  // uses the connection.
  kReportedUp = 1u << 4,
  kCiphertext = 1u << 5,  // a TLS session has it: what its reads and writes move is not recorded
  kHelloKept = 1u << 6,   // a ClientHello was kept back from the records, and no session has it yet
  kCutShort = 1u << 7,    // its network stream ended or broke under the session
  kFollowed = 1u << 8,    // a datagram socket whose connection to its peer is recorded
  kHasFlows = 1u << 9,    // has some in agent/datagram.h
  kServes = 1u << 10,     // a datagram socket that others sent to first
};

// One open socket of this process.
struct alignas(64) Socket {
  std::atomic<std::uint32_t> descriptors;  // that refer to it; 0: free
  std::atomic<std::uint32_t> flags;        // SocketFlags
  std::atomic<abi::Cookie> cookie;
  std::atomic<std::uint64_t> in_offset;  // bytes of the inbound stream that were read
  std::atomic<std::uint64_t>
      out_offset;       // bytes of the outbound stream that were announced or sent
  std::int32_t family;  // AF_INET, AF_INET6, AF_UNIX…
  std::int32_t type;    // SOCK_STREAM, SOCK_DGRAM…

  // Below DescriptorTable::capacity().
  [[nodiscard]] std::uint32_t index() const;
  [[nodiscard]] bool has(SocketFlags flag) const {
    return (flags.load(std::memory_order_relaxed) & flag) != 0;
  }
  void set(SocketFlags flag) { flags.fetch_or(flag, std::memory_order_relaxed); }
  void clear_connection() {
    clear(kConnecting);
    clear(kConnected);
    clear(kReportedUp);
  }
  void clear(SocketFlags flag) { flags.fetch_and(~std::uint32_t{flag}, std::memory_order_relaxed); }
};
static_assert(sizeof(Socket) == 64);

// A table entry, by value.
struct Descriptor {
  DescriptorKind kind = DescriptorKind::kOther;
  std::uint32_t generation = 0;  // 24 bits; grows with each close of this number
  std::uint32_t socket = 0;      // index, of a stream or datagram socket
};

class DescriptorTable {
 public:
  // Maps tables for descriptors below `capacity`; false when the memory cannot be had, and then
  // every descriptor is kOther. Start-up only.
  bool map(std::uint32_t capacity);

  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

  // What `fd` is; asks the kernel when nobody did before. Preserves errno.
  [[nodiscard]] Descriptor find(int fd) {
    if (static_cast<std::uint32_t>(fd) >= capacity_) [[unlikely]]
      return {};
    const std::uint64_t word = entries_[fd].load(std::memory_order_acquire);
    const Descriptor descriptor = unpack(word);
    if (descriptor.kind == DescriptorKind::kUnknown) [[unlikely]]
      return classify(fd, word);
    return descriptor;
  }

  // What is known of `fd`, without asking.
  [[nodiscard]] Descriptor peek(int fd) const {
    if (static_cast<std::uint32_t>(fd) >= capacity_) return {};
    return unpack(entries_[fd].load(std::memory_order_acquire));
  }

  // The stream socket behind `fd`, else null.
  [[nodiscard]] Socket* stream(int fd) {
    const Descriptor descriptor = find(fd);
    return descriptor.kind == DescriptorKind::kStream ? &sockets_[descriptor.socket] : nullptr;
  }

  // The datagram socket behind `fd`, else null.
  [[nodiscard]] Socket* datagram(int fd) {
    const Descriptor descriptor = find(fd);
    return descriptor.kind == DescriptorKind::kDatagram ? &sockets_[descriptor.socket] : nullptr;
  }

  // The stream or datagram socket behind `fd`, else null.
  [[nodiscard]] Socket* socket(int fd) {
    const Descriptor descriptor = find(fd);
    return holds_socket(descriptor.kind) ? &sockets_[descriptor.socket] : nullptr;
  }

  [[nodiscard]] Socket& at(std::uint32_t index) { return sockets_[index]; }
  [[nodiscard]] std::uint32_t index_of(const Socket& socket) const {
    return static_cast<std::uint32_t>(&socket - sockets_);
  }

  // `fd` was just made and is a socket: gives it a fresh Socket with its cookie read. Null when fd
  // is beyond the table, which is counted as a loss.
  Socket* open_socket(int fd, int family, int type, std::uint32_t flags);
  // `fd` was just made and is of this kind, which holds no socket. kUnknown: look when it is used.
  void open_other(int fd, DescriptorKind kind);
  // `to` is now the same open file as `from`, and no longer what it was.
  [[nodiscard]] Socket* share(int from, int to);
  // `fd` is about to be closed, or is gone.
  [[nodiscard]] Socket* forget(int fd);
  // share() and forget() return the Socket that has lost its last descriptor, if any: the caller
  // reports it closed and then gives it back.
  void release(Socket& socket);

  // One more than the highest descriptor ever used, for close_range.
  [[nodiscard]] std::uint32_t used() const { return used_.load(std::memory_order_relaxed); }

  static constexpr bool holds_socket(DescriptorKind kind) {
    return kind == DescriptorKind::kStream || kind == DescriptorKind::kDatagram;
  }

 private:
  static constexpr Descriptor unpack(std::uint64_t word) {
    return {static_cast<DescriptorKind>(word & 0xff),
            static_cast<std::uint32_t>(word >> 8 & 0xffffff),
            static_cast<std::uint32_t>(word >> 32)};
  }
  static constexpr std::uint64_t pack(Descriptor d) {
    return static_cast<std::uint64_t>(d.kind) | std::uint64_t{d.generation & 0xffffffu} << 8 |
           std::uint64_t{d.socket} << 32;
  }

  Descriptor classify(int fd, std::uint64_t seen);
  Socket* claim_socket(int fd);
  Socket* put(int fd, DescriptorKind kind, Socket* socket);
  static Socket* drop(Socket& socket);
  void note_used(int fd);

  std::atomic<std::uint64_t>* entries_ = nullptr;
  Socket* sockets_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::atomic<std::uint32_t> used_ = 0;
};

// The table of this process.
[[gnu::visibility("hidden")]] extern constinit DescriptorTable descriptor_table;
inline DescriptorTable& descriptors() { return descriptor_table; }

inline std::uint32_t Socket::index() const { return descriptor_table.index_of(*this); }

}  // namespace reprise::agent
