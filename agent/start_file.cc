#include "agent/start_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <atomic>

#include "agent/open_file.h"
#include "agent/record.h"
#include "agent/system_call.h"

namespace reprise::agent {
namespace {

// A fork copies it; a new program begins anew.
constinit std::atomic<bool> start_is_over{false};

bool is_for_reading(int flags) {
  return (flags & O_ACCMODE) != O_WRONLY && (flags & (O_TRUNC | O_PATH | O_DIRECTORY)) == 0;
}

}  // namespace

void note_start_file(Thread& thread, int fd, const char* path, int flags) {
  if (start_is_over.load(std::memory_order_relaxed) || !is_for_reading(flags)) return;
  struct stat status {};
  if (failed(system_call(SYS_fstat, fd, address_of(&status))) || !S_ISREG(status.st_mode)) return;
  // What an absolute path leads to may be another file elsewhere; a relative one says nothing
  // without the directory.
  char resolved[kLongestPath];
  std::uint32_t length = 0;
  if (path[0] == '/') {
    length = static_cast<std::uint32_t>(strlen(path)) + 1;
  } else {
    length = read_descriptor_path(fd, resolved);
    path = resolved;
  }
  if (length <= 1 || length > kLongestPath) return;
  const FileState file = file_state(status);
  if (Record<abi::FileOpened> record{thread, abi::RecordType::kFileOpened, stamp(), length}) {
    record->device = file.device;
    record->inode = file.inode;
    record->file_size = file.size;
    record->modified_ns = file.modified_ns;
    memcpy(record.tail(), path, length);
    record.commit();
  }
}

void end_start() { start_is_over.store(true, std::memory_order_relaxed); }

}  // namespace reprise::agent
