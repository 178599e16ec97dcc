#include "agent/open_file.h"

#include <fcntl.h>
#include <string.h>

#include "agent/system_call.h"

namespace reprise::agent {

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

}  // namespace reprise::agent
