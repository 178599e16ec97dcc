#include "agent/hooks/descriptor_life.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/connection.h"
#include "agent/descriptor.h"
#include "agent/log_line.h"
#include "agent/open_file.h"
#include "agent/original.h"
#include "agent/random_draw.h"
#include "agent/start_file.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

void forget_range(Thread& thread, unsigned first, unsigned last) {
  const std::uint32_t used = descriptors().used();
  for (unsigned fd = first; fd < used && fd <= last; ++fd) {
    const int number = static_cast<int>(fd);
    if (Socket* socket = descriptors().forget(number)) finish_socket(thread, *socket, number);
  }
}

int note_copy(int from, int made) {
  Thread* thread = made >= 0 ? this_thread() : nullptr;
  if (thread == nullptr) return made;
  const int error = errno;
  if (Socket* replaced = descriptors().share(from, made)) finish_socket(*thread, *replaced, -1);
  errno = error;
  return made;
}

void note_status_flags(int fd, bool nonblocking) {
  if (this_thread() == nullptr) return;
  const Descriptor descriptor = descriptors().peek(fd);
  if (!DescriptorTable::holds_socket(descriptor.kind)) return;
  Socket& socket = descriptors().at(descriptor.socket);
  if (nonblocking) {
    socket.set(kNonblocking);
  } else {
    socket.clear(kNonblocking);
  }
}

int note_opened(int made, const char* path, int flags) {
  Thread* thread = made < 0 ? nullptr : this_thread();
  if (thread == nullptr) return made;
  const int error = errno;
  descriptors().open_other(
      made, is_random_device_path(path) ? DescriptorKind::kRandomDevice : DescriptorKind::kOther);
  note_start_file(*thread, made, path, flags);
  errno = error;
  return made;
}

// open() has a third argument only when it may create a file.
bool has_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

}  // namespace

// The number is forgotten before it is closed: another thread may be given it at once.
int hook_close(int fd) {
  Thread* thread = this_thread();
  if (thread == nullptr) return world::close(nullptr, fd);
  Socket* last = descriptors().forget(fd);
  if (last == nullptr) return world::close(nullptr, fd);
  finish_socket(*thread, *last, fd);
  return world::close(last, fd);
}
extern "C" int hook___close(int fd) REPRISE_HOOK_ALIAS(__close, close);

int hook_close_range(unsigned first, unsigned last, int flags) {
  Thread* thread = this_thread();
  if (thread != nullptr && (static_cast<unsigned>(flags) & CLOSE_RANGE_CLOEXEC) == 0 &&
      first <= last) {
    forget_range(*thread, first, last);
  }
  return original().close_range(first, last, flags);
}

void hook_closefrom(int first) {
  Thread* thread = this_thread();
  if (thread != nullptr) forget_range(*thread, first < 0 ? 0 : static_cast<unsigned>(first), ~0u);
  original().closefrom(first);
}

int hook_dup(int fd) { return note_copy(fd, original().dup(fd)); }

int hook_dup2(int fd, int to) { return note_copy(fd, original().dup2(fd, to)); }

extern "C" int hook___dup2(int fd, int to) REPRISE_HOOK_ALIAS(__dup2, dup2);

int hook_dup3(int fd, int to, int flags) { return note_copy(fd, original().dup3(fd, to, flags)); }

int hook_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  const int result = original().fcntl(fd, command, argument);
  if (result < 0) return result;
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return note_copy(fd, result);
  if (command == F_SETFL) {
    note_status_flags(fd, (reinterpret_cast<std::uintptr_t>(argument) & O_NONBLOCK) != 0);
  }
  return result;
}
extern "C" int hook_fcntl64(int fd, int command, ...) REPRISE_HOOK_ALIAS(fcntl64, fcntl);
extern "C" int hook___fcntl(int fd, int command, ...) REPRISE_HOOK_ALIAS(__fcntl, fcntl);

int hook_ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  const int result = original().ioctl(fd, request, argument);
  if (result >= 0 && request == FIONBIO) {
    note_status_flags(fd, *static_cast<const int*>(argument) != 0);
  }
  return result;
}

int hook_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return note_opened(original().open(path, flags, mode), path, flags);
}
extern "C" int hook_open64(const char* path, int flags, ...) REPRISE_HOOK_ALIAS(open64, open);
extern "C" int hook___open(const char* path, int flags, ...) REPRISE_HOOK_ALIAS(__open, open);
extern "C" int hook___open64(const char* path, int flags, ...) REPRISE_HOOK_ALIAS(__open64, open);

int hook_openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return note_opened(original().openat(directory, path, flags, mode), path, flags);
}
extern "C" int hook_openat64(int directory, const char* path, int flags, ...)
    REPRISE_HOOK_ALIAS(openat64, openat);

int hook___open_2(const char* path, int flags) {
  if (has_mode(flags)) __chk_fail();
  return note_opened(original().open(path, flags), path, flags);
}
extern "C" int hook___open64_2(const char* path, int flags)
    REPRISE_HOOK_ALIAS(__open64_2, __open_2);

int hook___openat_2(int directory, const char* path, int flags) {
  if (has_mode(flags)) __chk_fail();
  return note_opened(original().openat(directory, path, flags), path, flags);
}
extern "C" int hook___openat64_2(int directory, const char* path, int flags)
    REPRISE_HOOK_ALIAS(__openat64_2, __openat_2);

// Whoever sends a file by reference has as a rule looked at it before. Programs that are linked
// against a C library before 2.33 have another name for this, and pay for a look of ours.
int hook_fstat(int fd, struct stat* status) {
  const int result = original().fstat(fd, status);
  Thread* thread = result == 0 ? this_thread() : nullptr;
  if (thread != nullptr && S_ISREG(status->st_mode)) note_look(*thread, fd, *status);
  return result;
}
extern "C" int hook_fstat64(int fd, struct stat64* status) REPRISE_HOOK_ALIAS(fstat64, fstat);

}  // namespace reprise::agent
