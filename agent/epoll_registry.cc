#include "agent/epoll_registry.h"

#include <sys/mman.h>

#include "agent/hot.h"
#include "agent/system_call.h"

namespace reprise::agent {

REPRISE_HOT constinit EpollRegistry epoll_registry;

namespace {

constexpr std::uint64_t kInUse = 1;
constexpr std::uint64_t kAmbiguous = 2;
constexpr std::uint64_t kGenerationMask = 0x3fffff;

int epoll_of(std::uint64_t key) { return static_cast<int>(key >> 44); }
int fd_of(std::uint64_t key) { return static_cast<int>(key >> 24 & 0xfffff); }
std::uint64_t generation_of(std::uint64_t key) { return key >> 2 & kGenerationMask; }

}  // namespace

std::uint64_t EpollRegistry::pack(int epoll, int fd, std::uint32_t generation, bool ambiguous) {
  return static_cast<std::uint64_t>(epoll) << 44 | static_cast<std::uint64_t>(fd) << 24 |
         (generation & kGenerationMask) << 2 | (ambiguous ? kAmbiguous : 0) | kInUse;
}

// Whether the registered descriptor is still the one that was registered.
REPRISE_HOT_CODE bool EpollRegistry::is_valid(std::uint64_t key) {
  return key != 0 &&
         (descriptors().peek(fd_of(key)).generation & kGenerationMask) == generation_of(key);
}

void EpollRegistry::map(std::uint32_t descriptors) {
  std::uint32_t count = 1024;
  while (count < descriptors * 2) count *= 2;
  const long result =
      system_call(SYS_mmap, 0, static_cast<long>(count * sizeof(Entry)), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(result)) return;
  system_call(SYS_madvise, result, static_cast<long>(count * sizeof(Entry)), MADV_DONTDUMP);
  entries_ = reinterpret_cast<Entry*>(result);
  mask_ = count - 1;
}

// Neighbours of the hashed place: a window is one or two cache lines.
std::uint32_t EpollRegistry::place(int epoll, std::uint64_t data, std::uint32_t step) const {
  const std::uint64_t mixed =
      (data ^ static_cast<std::uint64_t>(epoll) << 40) * 0x9e3779b97f4a7c15u;
  return (static_cast<std::uint32_t>(mixed >> 40) + step) & mask_;
}

void EpollRegistry::add(int epoll, int fd, std::uint64_t data) {
  if (entries_ == nullptr || static_cast<std::uint32_t>(epoll) >= 1u << 20 ||
      static_cast<std::uint32_t>(fd) >= 1u << 20) {
    return;
  }
  const std::uint32_t generation = descriptors().find(fd).generation;
  Entry* free = &entries_[place(epoll, data, 0)];
  bool found_free = false;
  for (std::uint32_t step = 0; step < kWindow; ++step) {
    Entry& entry = entries_[place(epoll, data, step)];
    const std::uint64_t key = entry.key.load(std::memory_order_acquire);
    if (!is_valid(key)) {
      if (!found_free) free = &entry;
      found_free = true;
      continue;
    }
    if (epoll_of(key) != epoll || entry.data.load(std::memory_order_relaxed) != data) continue;
    const bool ambiguous = fd_of(key) != fd;
    entry.key.store(pack(epoll, fd, generation, ambiguous), std::memory_order_release);
    return;
  }
  // A window full of live registrations loses its first: that socket's events go unnamed.
  free->key.store(0, std::memory_order_release);
  free->data.store(data, std::memory_order_relaxed);
  free->key.store(pack(epoll, fd, generation, false), std::memory_order_release);
}

REPRISE_HOT_CODE Socket* EpollRegistry::find(int epoll, std::uint64_t data) {
  if (entries_ == nullptr) return nullptr;
  for (std::uint32_t step = 0; step < kWindow; ++step) {
    const Entry& entry = entries_[place(epoll, data, step)];
    const std::uint64_t key = entry.key.load(std::memory_order_acquire);
    if (key == 0 || epoll_of(key) != epoll || entry.data.load(std::memory_order_relaxed) != data ||
        !is_valid(key)) {
      continue;
    }
    if ((key & kAmbiguous) != 0) return nullptr;
    return descriptors().stream(fd_of(key));
  }
  return nullptr;
}

}  // namespace reprise::agent
