#include "agent/executable.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/system_call.h"

namespace reprise::agent {
namespace {

// The first page holds the ELF header, usually its program headers, or a script's first line.
constexpr std::size_t kHeadBytes = 2048;
constexpr int kDeepestInterpreter = 4;  // the kernel's own limit on scripts that run scripts
constexpr std::size_t kLongestPath = 1024;

class OpenFile {
 public:
  OpenFile(int directory, const char* path)
      : fd_(system_call(SYS_openat, directory, address_of(path), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (is_open()) system_call(SYS_close, fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] bool is_open() const { return !failed(fd_); }
  [[nodiscard]] long fd() const { return fd_; }
  [[nodiscard]] std::size_t read(void* to, std::size_t size, std::uint64_t offset) const {
    const long got = system_call(SYS_pread64, fd_, address_of(to), static_cast<long>(size),
                                 static_cast<long>(offset));
    return failed(got) ? 0 : static_cast<std::size_t>(got);
  }

 private:
  long fd_;
};

// Whether executing the file raises privileges, so that the dynamic linker drops LD_PRELOAD.
bool gains_privileges(const OpenFile& file) {
  struct stat status;
  if (failed(system_call(SYS_fstat, file.fd(), address_of(&status)))) return false;
  const auto user = static_cast<uid_t>(system_call(SYS_getuid));
  const auto group = static_cast<gid_t>(system_call(SYS_getgid));
  if ((status.st_mode & S_ISUID) != 0 && status.st_uid != user) return true;
  if ((status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
      status.st_gid != group) {
    return true;
  }
  char capability[64];
  return user != 0 &&
         !failed(system_call(SYS_fgetxattr, file.fd(), address_of("security.capability"),
                             address_of(capability), sizeof(capability)));
}

bool is_dynamic_elf(const OpenFile& file, const Elf64_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (file.read(&segment, sizeof(segment),
                  header.e_phoff + std::uint64_t{i} * header.e_phentsize) != sizeof(segment)) {
      return false;
    }
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

// The interpreter of a script's first line "#! PATH [ARGUMENT]", ended by a zero in place.
const char* interpreter_of(char* head) {
  char* path = head + 2;
  path += strspn(path, " \t");
  path[strcspn(path, " \t\n")] = '\0';
  return path;
}

bool can_load(int directory, const char* path, int depth) {
  const OpenFile file(directory, path);
  // What may be executed but not read cannot be looked at, and loads the agent like anything else.
  if (!file.is_open()) return true;
  if (gains_privileges(file)) return false;
  alignas(Elf64_Ehdr) char head[kHeadBytes + 1];
  const std::size_t length = file.read(head, kHeadBytes, 0);
  head[length] = '\0';
  if (length >= sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0) {
    return is_dynamic_elf(file, *reinterpret_cast<const Elf64_Ehdr*>(head));
  }
  if (length > 2 && head[0] == '#' && head[1] == '!' && depth < kDeepestInterpreter) {
    return can_load(AT_FDCWD, interpreter_of(head), depth + 1);
  }
  return true;
}

}  // namespace

bool can_load_agent(int directory, const char* path) {
  return path == nullptr || can_load(directory, path, 0);
}

bool can_load_agent_in_path(const char* name) {
  if (name == nullptr || strchr(name, '/') != nullptr) return can_load_agent(AT_FDCWD, name);
  const char* list = "/bin:/usr/bin";
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (strncmp(*variable, "PATH=", 5) == 0) list = *variable + 5;
  }
  const std::size_t name_length = strlen(name);
  while (*list != '\0') {
    const std::size_t length = strcspn(list, ":");
    char path[kLongestPath];
    if (length > 0 && length + 1 + name_length < sizeof(path)) {
      memcpy(path, list, length);
      path[length] = '/';
      memcpy(path + length + 1, name, name_length + 1);
      if (!failed(system_call(SYS_faccessat, AT_FDCWD, address_of(path), X_OK))) {
        return can_load_agent(AT_FDCWD, path);
      }
    }
    list += length;
    if (*list == ':') ++list;
  }
  return true;
}

}  // namespace reprise::agent
