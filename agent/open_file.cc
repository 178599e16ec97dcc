#include "agent/open_file.h"

#include <fcntl.h>
#include <string.h>

#include "agent/arena_mapping.h"
#include "agent/descriptor.h"
#include "agent/system_call.h"

namespace reprise::agent {
namespace {

// A look is good for so many ticks, which are less than 0.2 ms. The kernel tells changes of a file
// apart no better: the clock that it dates them by goes on every 1 to 10 ms.
constexpr std::uint64_t kFreshTicks = 200'000;

}  // namespace

std::uint32_t read_descriptor_path(int fd, char (&path)[kLongestPath]) {
  char link[] = "/proc/self/fd/..........";
  char* digit = link + sizeof(link) - 1;
  *digit = '\0';
  do {
    *--digit = static_cast<char>('0' + fd % 10);
    fd /= 10;
  } while (fd != 0);
  constexpr std::size_t kDirectory = sizeof("/proc/self/fd/") - 1;
  memmove(link + kDirectory, digit, strlen(digit) + 1);
  const long length = system_call(SYS_readlinkat, AT_FDCWD, address_of(link), address_of(path),
                                  static_cast<long>(kLongestPath));
  const auto used =
      failed(length) || length == kLongestPath ? 0 : static_cast<std::uint32_t>(length);
  path[used] = '\0';
  return used + 1;
}

void note_look(Thread& thread, int fd, const struct stat& status) {
  FileLook& look = thread.look;
  look.stamp.store(0, std::memory_order_relaxed);  // a handler may come between
  std::atomic_signal_fence(std::memory_order_seq_cst);
  look.fd = fd;
  look.generation = descriptors().peek(fd).generation;
  look.state = file_state(status);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  look.stamp.store(stamp(), std::memory_order_relaxed);
}

FileState look_at_file(const Thread& thread, int fd) {
  const std::uint64_t looked = thread.look.stamp.load(std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (looked != 0 && thread.look.fd == fd && stamp() - looked < kFreshTicks &&
      thread.look.generation == descriptors().peek(fd).generation) {
    const FileState state = thread.look.state;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (thread.look.stamp.load(std::memory_order_relaxed) == looked) return state;
  }
  struct stat status {};
  (void)system_call(SYS_fstat, fd, address_of(&status));
  return file_state(status);
}

}  // namespace reprise::agent
