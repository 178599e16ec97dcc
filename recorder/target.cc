#include "recorder/target.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>
#include <vector>

namespace reprise::recorder {
namespace {

constexpr int kDeepestScript = 4;         // as the kernel (fs/exec.c)
constexpr std::size_t kScriptLine = 256;  // bytes of it that the kernel reads
constexpr std::size_t kMostProgramHeaders = 4096;

tl::unexpected<Error> refuse(const std::string& message) { return tl::unexpected(Error{message}); }

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return fd_ >= 0; }
  // Bytes from `offset` on, fewer at the end of the file.
  std::string read(std::uint64_t offset, std::size_t length) const {
    std::string bytes(length, '\0');
    const ssize_t got = ::pread(fd_, bytes.data(), length, static_cast<off_t>(offset));
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }

 private:
  int fd_;
};

bool is_executable_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

tl::expected<std::string, Error> find_program(const std::string& program,
                                              const std::string& path_variable) {
  if (program.empty()) return refuse("the program to start has an empty name");
  if (program.find('/') == std::string::npos) {
    std::istringstream directories(path_variable);
    std::string unusable;
    for (std::string directory; std::getline(directories, directory, ':');) {
      const std::string path = (directory.empty() ? "." : directory) + "/" + program;
      if (is_executable_file(path)) return path;
      if (::access(path.c_str(), F_OK) == 0) unusable = path;
    }
    if (!unusable.empty()) {
      return refuse(unusable + " is not an executable file; `chmod +x` makes it one");
    }
    return refuse("there is no program `" + program + "` on PATH; give its path (./" + program +
                  " for one in this directory)");
  }
  struct stat status {};
  if (::stat(program.c_str(), &status) != 0) {
    return refuse("cannot start " + program + ": " + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) return refuse(program + " is a directory, not a program");
  if (!is_executable_file(program)) {
    return refuse(program + " is not an executable file; `chmod +x` makes it one");
  }
  return program;
}

// The dynamic linker ignores LD_PRELOAD where a program gains privileges.
std::optional<Error> check_privileges(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  const bool other_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != ::geteuid();
  const bool other_group = (status.st_mode & S_ISGID) != 0 && status.st_gid != ::getegid();
  if (other_user || other_group) {
    return Error{path + " is set" + (other_user ? "uid" : "gid") +
                 ": it runs with other privileges than yours, and the system then lets nobody look "
                 "inside. Record it as the user it runs as (sudo -u …), or record a copy without "
                 "that mode bit"};
  }
  char capability[64];
  const bool has_capabilities =
      ::getxattr(path.c_str(), "security.capability", capability, sizeof capability) > 0;
  if (has_capabilities && ::geteuid() != 0) {
    return Error{path +
                 " has file capabilities: the system then lets nobody look inside. Record it "
                 "as root, or record a copy (cp drops them) with the capabilities given otherwise "
                 "(ambient ones, or a port above 1023)"};
  }
  return std::nullopt;
}

struct Interpreters {
  bool dynamic = false;
  std::string linker;
};

// Reads PT_INTERP of a 64-bit little-endian executable whose header is `header`.
tl::expected<Interpreters, Error> read_program_headers(const File& file, const Elf64_Ehdr& header) {
  Interpreters found;
  const std::size_t count = std::min<std::size_t>(header.e_phnum, kMostProgramHeaders);
  const std::string table = file.read(header.e_phoff, count * sizeof(Elf64_Phdr));
  for (std::size_t i = 0; i + 1 <= table.size() / sizeof(Elf64_Phdr); ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, table.data() + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_INTERP) continue;
    found.dynamic = true;
    found.linker = file.read(segment.p_offset, std::min<std::size_t>(segment.p_filesz, 4096));
    found.linker = found.linker.substr(0, found.linker.find('\0'));
  }
  return found;
}

std::optional<Error> check_elf(const std::string& path, const File& file,
                               const std::string& start) {
  const auto elf_class = static_cast<unsigned char>(start[EI_CLASS]);
  if (elf_class != ELFCLASS64) {
    return Error{path + " is a 32-bit program; this build of reprise records 64-bit ones only"};
  }
  Elf64_Ehdr header;
  if (start.size() < sizeof header) return Error{path + " is too short to be a program"};
  std::memcpy(&header, start.data(), sizeof header);
  if (header.e_machine != EM_X86_64) {
    return Error{path + " is a program for another machine; record it on that machine"};
  }
  const auto interpreters = read_program_headers(file, header);
  if (!interpreters) return interpreters.error();
  if (!interpreters->dynamic) {
    return Error{path +
                 " is statically linked: there is no dynamic linker through which the agent "
                 "could enter it. Link it dynamically (without -static; for Go: CGO_ENABLED=1 and "
                 "-linkmode=external)"};
  }
  if (interpreters->linker.find("musl") != std::string::npos) {
    return Error{path + " uses the musl C library (" + interpreters->linker +
                 "); the agent needs glibc. Build it for glibc to record it"};
  }
  return std::nullopt;
}

// "#!/usr/bin/env python3 -u" -> {"/usr/bin/env", "python3 -u"}: all that follows is one argument.
std::vector<std::string> interpreter_of(const std::string& start) {
  constexpr char kBlanks[] = " \t\r";
  const std::string line = start.substr(2, start.find('\n') - 2);
  std::vector<std::string> words;
  const std::size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return {""};
  const std::size_t end = line.find_first_of(kBlanks, begin);
  words.push_back(line.substr(begin, end - begin));
  const std::size_t argument = line.find_first_not_of(kBlanks, std::min(end, line.size()));
  if (argument != std::string::npos) {
    words.push_back(line.substr(argument, line.find_last_not_of(kBlanks) + 1 - argument));
  }
  return words;
}

}  // namespace

std::vector<std::string> Target::command(const std::vector<std::string>& command) const {
  std::vector<std::string> words = interpreter;
  words.push_back(path);
  words.insert(words.end(), command.begin() + 1, command.end());
  return words;
}

tl::expected<Target, Error> check_target(const std::string& program,
                                         const std::string& path_variable) {
  auto path = find_program(program, path_variable);
  if (!path) return tl::unexpected(path.error());
  Target target{*path, *path, {}};
  for (int depth = 0; depth < kDeepestScript; ++depth) {
    const std::string& executable = target.executable;
    if (auto error = check_privileges(executable)) return tl::unexpected(*error);
    const File file(executable);
    // One that may be run but not read is taken on trust; the missing hello will tell.
    if (!file.is_open()) return target;
    const std::string start = file.read(0, kScriptLine);
    if (start.rfind(ELFMAG, 0) == 0 && start.size() > EI_CLASS) {
      if (auto error = check_elf(executable, file, start)) return tl::unexpected(*error);
      return target;
    }
    if (start.rfind("#!", 0) != 0) {
      return refuse(executable +
                    " is neither a program nor a script with an interpreter (#!) in "
                    "its first line; put the interpreter in front: reprise record -- sh " +
                    executable);
    }
    std::vector<std::string> interpreter = interpreter_of(start);
    if (!is_executable_file(interpreter.front())) {
      return refuse("the interpreter of " + executable + ", `" + interpreter.front() +
                    "`, is not an executable file");
    }
    target.executable = interpreter.front();
    target.interpreter.insert(target.interpreter.begin(), interpreter.begin(), interpreter.end());
  }
  return refuse(program + " is a script whose interpreters are scripts, too many times over");
}

}  // namespace reprise::recorder
