// The files of Unix sockets: a service that binds a path removes an old socket there before, and
// sets owner and mode after. What it bound lies in the session's directory (loopback.h); what it
// did not is this machine's, perhaps the socket of a server that runs here, and stays as it is.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/hooks/hook.h"
#include "agent/system_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/token_call.h"

namespace reprise::agent {
namespace {

bool is_socket(int directory, const char* path) {
  struct stat status {};
  return !failed(system_call(SYS_newfstatat, directory, address_of(path), address_of(&status),
                             AT_SYMLINK_NOFOLLOW)) &&
         S_ISSOCK(status.st_mode);
}

// Does `change(directory, path)` to the file that the service means.
template <typename Change>
long change_file(int directory, const char* path, Change change) {
  if (!control().attached() || path == nullptr) return change(directory, path);
  SessionPlace place;
  const bool absolute = directory == AT_FDCWD || path[0] == '/';
  if (absolute && find_session_place(path, place)) return change(AT_FDCWD, place.path);
  return is_socket(directory, path) ? 0 : change(directory, path);
}

long remove_file(int directory, const char* path, int flags) {
  return change_file(directory, path, [flags](int at, const char* what) {
    return system_call(SYS_unlinkat, at, address_of(what), flags);
  });
}

long set_mode(int directory, const char* path, mode_t mode) {
  return change_file(directory, path, [mode](int at, const char* what) {
    return system_call(SYS_fchmodat, at, address_of(what), mode);
  });
}

long set_owner(int directory, const char* path, uid_t owner, gid_t group, int flags) {
  return change_file(directory, path, [=](int at, const char* what) {
    return system_call(SYS_fchownat, at, address_of(what), owner, group, flags);
  });
}

}  // namespace

extern "C" {

int hook_unlink(const char* path) REPRISE_HOOK(unlink);
int hook_unlink(const char* path) {
  return static_cast<int>(with_errno(remove_file(AT_FDCWD, path, 0)));
}

int hook_unlinkat(int directory, const char* path, int flags) REPRISE_HOOK(unlinkat);
int hook_unlinkat(int directory, const char* path, int flags) {
  return static_cast<int>(with_errno(remove_file(directory, path, flags)));
}

// As the C library does it.
int hook_remove(const char* path) REPRISE_HOOK(remove);
int hook_remove(const char* path) {
  const long result = remove_file(AT_FDCWD, path, 0);
  if (result != -EISDIR) return static_cast<int>(with_errno(result));
  return static_cast<int>(with_errno(remove_file(AT_FDCWD, path, AT_REMOVEDIR)));
}

int hook_chmod(const char* path, mode_t mode) REPRISE_HOOK(chmod);
int hook_chmod(const char* path, mode_t mode) {
  return static_cast<int>(with_errno(set_mode(AT_FDCWD, path, mode)));
}

int hook_chown(const char* path, uid_t owner, gid_t group) REPRISE_HOOK(chown);
int hook_chown(const char* path, uid_t owner, gid_t group) {
  return static_cast<int>(with_errno(set_owner(AT_FDCWD, path, owner, group, 0)));
}

int hook_lchown(const char* path, uid_t owner, gid_t group) REPRISE_HOOK(lchown);
int hook_lchown(const char* path, uid_t owner, gid_t group) {
  return static_cast<int>(with_errno(set_owner(AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW)));
}

int hook_fchownat(int directory, const char* path, uid_t owner, gid_t group, int flags)
    REPRISE_HOOK(fchownat);
int hook_fchownat(int directory, const char* path, uid_t owner, gid_t group, int flags) {
  return static_cast<int>(with_errno(set_owner(directory, path, owner, group, flags)));
}

}  // extern "C"
}  // namespace reprise::agent
