// Which descriptor an epoll event is about.
//
// The kernel gives back the 64 bits that were registered: the descriptor itself, a pointer,
// anything. Registrations are kept in a hash table by (epoll, data). An entry holds the generation
// of its descriptor, so that it is worthless once that number was closed, and nothing has to be
// taken out. When two open descriptors were registered with the same data in one epoll, neither is
// told apart and the event counts as one of another kind.
//
// Threading: any thread; entries are changed with compare-and-swap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/descriptor.h"

namespace reprise::agent {

class EpollRegistry {
 public:
  // Start-up only; without memory, no event finds its socket.
  void map(std::uint32_t descriptors);

  void add(int epoll, int fd, std::uint64_t data);

  // The socket registered with `data`, null when it is none or not known.
  [[nodiscard]] Socket* find(int epoll, std::uint64_t data);

 private:
  struct Entry {
    std::atomic<std::uint64_t> data;
    std::atomic<std::uint64_t> key;  // 0 free; see pack()
  };
  static constexpr std::uint32_t kWindow = 16;  // entries that are looked at

  // epoll: 20 bits, fd: 20 bits, low 22 bits of the descriptor's generation, ambiguous, in use.
  static std::uint64_t pack(int epoll, int fd, std::uint32_t generation, bool ambiguous);
  static bool is_valid(std::uint64_t key);
  [[nodiscard]] std::uint32_t place(int epoll, std::uint64_t data, std::uint32_t step) const;

  Entry* entries_ = nullptr;
  std::uint32_t mask_ = 0;
};

[[gnu::visibility("hidden")]] extern constinit EpollRegistry epoll_registry;

}  // namespace reprise::agent
