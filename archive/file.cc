#include "archive/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace reprise::archive {
namespace {

Error::Kind kind_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Error::Kind::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return Error::Kind::kNoPermission;
    case EEXIST:
      return Error::Kind::kExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error::Kind::kDiskFull;
    default:
      return Error::Kind::kIo;
  }
}

const char* remedy(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::kNotFound:
      return "; check the path";
    case Error::Kind::kNoPermission:
      return "; check who may access it and its folder";
    case Error::Kind::kExists:
      return "; name another file, or replace it with --overwrite";
    case Error::Kind::kDiskFull:
      return "; make room";
    default:
      return "";
  }
}

// Keeps SIGXFSZ from this thread while it lives: a write beyond RLIMIT_FSIZE is an error like any
// other and must not end the recorder. Not a disposition of the process, which the service would
// inherit.
class FileSizeSignalHeld {
 public:
  FileSizeSignalHeld() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~FileSizeSignalHeld() {
    if (failed_) {
      const timespec at_once{};
      sigtimedwait(&signal_, nullptr, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  FileSizeSignalHeld(const FileSizeSignalHeld&) = delete;
  FileSizeSignalHeld& operator=(const FileSizeSignalHeld&) = delete;

  // The signal may be pending and has to be taken away.
  void set_failed() { failed_ = true; }

 private:
  sigset_t signal_, before_;
  bool failed_ = false;
};

// A file by its descriptor. Serves both interfaces; the reader's one never calls the writing half.
class DescriptorFile final : public OutputFile {
 public:
  DescriptorFile(std::string path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor) {}
  ~DescriptorFile() override { close(); }

  const std::string& path() const override { return path_; }

  std::uint64_t size() const override {
    struct stat status {};
    return fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }

  std::size_t read_at(std::uint64_t offset, std::span<std::uint8_t> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) error_ = errno;
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  int last_error() const override { return error_; }

  int write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) override {
    FileSizeSignalHeld held;
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        const int error = count < 0 ? errno : ENOSPC;
        held.set_failed();
        return error;
      }
      done += static_cast<std::size_t>(count);
    }
    return 0;
  }

  int truncate(std::uint64_t size) override {
    return ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? 0 : errno;
  }

  int close() override {
    if (descriptor_ < 0) return 0;
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    return result == 0 ? 0 : errno;
  }

 private:
  std::string path_;
  int descriptor_;
  int error_ = 0;
};

}  // namespace

Error file_error(const std::string& doing, const std::string& path, int error) {
  const Error::Kind kind = kind_of(error);
  return {kind, doing + " " + path + ": " + std::strerror(error) + remedy(kind)};
}

tl::expected<std::unique_ptr<InputFile>, Error> InputFile::open(const std::string& path) {
  // Not blocking: a FIFO without a writer must not hang us. Regular files ignore the flag.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return tl::unexpected(file_error("cannot open", path, errno));
  auto file = std::make_unique<DescriptorFile>(path, descriptor);
  struct stat status {};
  if (fstat(descriptor, &status) != 0)
    return tl::unexpected(file_error("cannot open", path, errno));
  if (S_ISDIR(status.st_mode)) {
    return tl::unexpected(
        Error{Error::Kind::kNotAnArchive, path + " is a folder; name one .reprise file in it"});
  }
  if (!S_ISREG(status.st_mode)) {
    return tl::unexpected(Error{Error::Kind::kNotAnArchive,
                                path + " is not a regular file; archives are read in any order, so "
                                       "store it in a file first"});
  }
  return file;
}

tl::expected<std::unique_ptr<OutputFile>, Error> OutputFile::open(const std::string& path,
                                                                  Mode mode) {
  int flags = O_RDWR | O_CLOEXEC;
  if (mode == Mode::kCreate) flags |= O_CREAT | O_EXCL;
  if (mode == Mode::kReplace) flags |= O_CREAT;
  const int descriptor = ::open(path.c_str(), flags, 0644);
  if (descriptor < 0) {
    return tl::unexpected(
        file_error(mode == Mode::kResume ? "cannot open" : "cannot create", path, errno));
  }
  auto file = std::make_unique<DescriptorFile>(path, descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return tl::unexpected(Error{Error::Kind::kIo, path + " is being written by another recorder; "
                                                         "wait until it has ended"});
  }
  if (mode == Mode::kReplace) {
    if (const int error = file->truncate(0); error != 0) {
      return tl::unexpected(file_error("cannot overwrite", path, error));
    }
  }
  return file;
}

}  // namespace reprise::archive
