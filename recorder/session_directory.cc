#include "recorder/session_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

namespace reprise::recorder {
namespace {

constexpr char kPrefix[] = "reprise-";
constexpr char kLockFile[] = "lock";
constexpr char kNotesFile[] = "notes";

std::string system_error(const std::string& what) { return what + ": " + std::strerror(errno); }

// Notes are lines; what a path or an argument may contain besides is written as \n and \\.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else {
      out += text[++i] == 'n' ? '\n' : text[i];
    }
  }
  return out;
}

std::string to_text(const SessionNotes& notes) {
  std::ostringstream out;
  out << "session=" << notes.session << "\n"
      << "archive=" << escaped(notes.archive) << "\n"
      << "started_unix_ns=" << notes.started_unix_ns << "\n"
      << "recorder_pid=" << notes.recorder_pid << "\n"
      << "key=" << notes.key << "\n";
  for (const std::string& argument : notes.command) out << "argument=" << escaped(argument) << "\n";
  return out.str();
}

std::int64_t number(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

std::optional<SessionNotes> read_notes(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  SessionNotes notes;
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    const std::string value = unescaped(line.substr(equals + 1));
    if (name == "session") notes.session = value;
    if (name == "archive") notes.archive = value;
    if (name == "started_unix_ns") notes.started_unix_ns = number(value);
    if (name == "recorder_pid") notes.recorder_pid = static_cast<std::int32_t>(number(value));
    if (name == "key") notes.key = value;
    if (name == "argument") notes.command.push_back(value);
  }
  const bool whole = !notes.key.empty() && notes.key.find('/') == std::string::npos;
  return whole ? std::optional(notes) : std::nullopt;
}

bool write_file(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const ssize_t written = ::write(file, text.data(), text.size());
  const int error = errno;
  ::close(file);
  errno = error;
  return written == static_cast<ssize_t>(text.size());
}

int open_lock(const std::string& directory, int flags) {
  return ::open((directory + "/" + kLockFile).c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
}

bool owned_by_this_user(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid();
}

}  // namespace

std::string random_hex(std::size_t digits) {
  std::string out;
  while (out.size() < digits) {
    std::uint8_t byte = 0;
    if (::getrandom(&byte, 1, 0) != 1) continue;
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  out.resize(digits);
  return out;
}

SessionDirectory::SessionDirectory(SessionDirectory&& other) noexcept { *this = std::move(other); }

SessionDirectory& SessionDirectory::operator=(SessionDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(notes_, other.notes_);
  std::swap(lock_, other.lock_);
  return *this;
}

SessionDirectory::~SessionDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

unsigned SessionDirectory::shared_mode() { return ::geteuid() == 0 ? 0666 : 0600; }

std::string SessionDirectory::shared_file(const std::string& name) const {
  return path_ + "/" + notes_.key + "/" + name;
}

tl::expected<SessionDirectory, Error> SessionDirectory::create(const std::string& parent,
                                                               SessionNotes notes) {
  SessionDirectory directory;
  notes.key = random_hex(32);
  directory.path_ = parent + "/" + kPrefix + notes.session;
  directory.notes_ = std::move(notes);
  const std::string& path = directory.path_;
  const mode_t old_mask = ::umask(0);
  const bool made = ::mkdir(path.c_str(), 0711) == 0 &&
                    ::mkdir((path + "/" + directory.notes_.key).c_str(), 0711) == 0;
  const int error = errno;
  ::umask(old_mask);
  errno = error;
  if (!made) {
    const std::string why = system_error("cannot make the session directory " + path);
    directory.remove();
    return tl::unexpected(Error{why});
  }
  directory.lock_ = open_lock(path, O_CREAT | O_EXCL);
  if (directory.lock_ < 0 || ::flock(directory.lock_, LOCK_EX | LOCK_NB) != 0 ||
      !write_file(path + "/" + kNotesFile, to_text(directory.notes_))) {
    const std::string why = system_error("cannot write into the session directory " + path);
    directory.remove();
    return tl::unexpected(Error{why});
  }
  return directory;
}

tl::expected<SessionDirectory, Error> SessionDirectory::take_over(const std::string& path) {
  SessionDirectory directory;
  directory.path_ = path;
  while (directory.path_.size() > 1 && directory.path_.back() == '/') directory.path_.pop_back();
  const auto notes = read_notes(path + "/" + kNotesFile);
  if (!notes) {
    return tl::unexpected(Error{path + " is not a session directory of reprise record; `reprise "
                                       "recover` without an argument lists those that wait"});
  }
  directory.notes_ = *notes;
  directory.lock_ = open_lock(path, 0);
  if (directory.lock_ < 0) {
    return tl::unexpected(Error{system_error("cannot open " + path + "/" + kLockFile)});
  }
  if (::flock(directory.lock_, LOCK_EX | LOCK_NB) != 0) {
    return tl::unexpected(Error{"the session " + path + " is still being recorded by process " +
                                std::to_string(notes->recorder_pid) +
                                "; stop the service or that process first"});
  }
  return directory;
}

void SessionDirectory::remove() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> session_parents() {
  std::vector<std::string> parents = {"/dev/shm"};
  const char* temporary = std::getenv("TMPDIR");
  if (temporary != nullptr && *temporary == '/') parents.emplace_back(temporary);
  if (parents.back() != "/tmp") parents.emplace_back("/tmp");
  return parents;
}

std::vector<FoundSession> find_sessions(const std::vector<std::string>& parents) {
  std::vector<FoundSession> found;
  for (const std::string& parent : parents) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
      const std::string path = entry.path().string();
      if (entry.path().filename().string().rfind(kPrefix, 0) != 0) continue;
      if (!owned_by_this_user(path)) continue;
      const auto notes = read_notes(path + "/" + kNotesFile);
      if (!notes) continue;
      const int lock = open_lock(path, 0);
      if (lock < 0) continue;
      const bool recording = ::flock(lock, LOCK_SH | LOCK_NB) != 0;
      ::close(lock);
      found.push_back({path, *notes, recording});
    }
  }
  return found;
}

}  // namespace reprise::recorder
