#include "recorder/thread_numbers.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace reprise::recorder {

ThreadNumbers::ThreadNumbers(ThreadNumbers&& other) noexcept
    : numbers_(std::exchange(other.numbers_, nullptr)), slots_(std::exchange(other.slots_, 0)) {}

ThreadNumbers::~ThreadNumbers() {
  if (numbers_ != nullptr) ::munmap(numbers_, slots_ * sizeof *numbers_);
}

tl::expected<ThreadNumbers, Error> ThreadNumbers::map(const std::string& path, std::size_t slots,
                                                      bool create) {
  const std::size_t bytes = slots * sizeof(std::uint64_t);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0600);
  if (file < 0) return tl::unexpected(Error{"cannot open " + path + ": " + std::strerror(errno)});
  int error = create ? ::posix_fallocate(file, 0, static_cast<off_t>(bytes)) : 0;
  struct stat status {};
  if (error == 0 && ::fstat(file, &status) != 0) error = errno;
  if (error == 0 && static_cast<std::size_t>(status.st_size) < bytes) error = EINVAL;
  void* base = MAP_FAILED;
  if (error == 0) {
    base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (base == MAP_FAILED) error = errno;
  }
  ::close(file);
  if (error != 0) return tl::unexpected(Error{"cannot map " + path + ": " + std::strerror(error)});
  ThreadNumbers numbers;
  numbers.numbers_ = static_cast<std::uint64_t*>(base);
  numbers.slots_ = slots;
  return numbers;
}

tl::expected<ThreadNumbers, Error> ThreadNumbers::create(const std::string& path,
                                                         std::size_t slots) {
  return map(path, slots, true);
}

tl::expected<ThreadNumbers, Error> ThreadNumbers::open(const std::string& path, std::size_t slots) {
  return map(path, slots, false);
}

}  // namespace reprise::recorder
