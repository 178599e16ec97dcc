#include "replayer/payload.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace reprise::replayer {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

std::string directory() {
  std::error_code ignored;
  const std::filesystem::path path = std::filesystem::temp_directory_path(ignored);
  return path.empty() ? "/tmp" : path.string();
}

int open_nameless(const std::string& in) {
  const int file = ::open(in.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return file;
  std::string path = in + "/reprise-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

Payload::Payload(Payload&& other) noexcept { *this = std::move(other); }

Payload& Payload::operator=(Payload&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(error_, other.error_);
  std::swap(size_, other.size_);
  std::swap(buffer_, other.buffer_);
  std::swap(mapped_, other.mapped_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  return *this;
}

Payload::~Payload() {
  if (mapped_ != nullptr) ::munmap(const_cast<std::uint8_t*>(mapped_), mapped_bytes_);
  if (file_ >= 0) ::close(file_);
}

std::uint64_t Payload::append(std::span<const std::uint8_t> bytes) {
  assert(mapped_ == nullptr);
  const std::uint64_t position = size_;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
  if (buffer_.size() >= kBufferBytes) write_buffer();
  return position;
}

void Payload::write_buffer() {
  if (file_ < 0 && error_ == 0) {
    file_ = open_nameless(directory());
    if (file_ < 0) error_ = errno;
  }
  std::span<const std::uint8_t> rest(buffer_);
  while (error_ == 0 && !rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written >= 0) {
      rest = rest.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  buffer_.clear();
}

tl::expected<void, Error> Payload::seal() {
  write_buffer();
  if (error_ == 0 && size_ > 0) {
    void* base = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_, 0);
    if (base == MAP_FAILED) {
      error_ = errno;
    } else {
      mapped_ = static_cast<const std::uint8_t*>(base);
      mapped_bytes_ = size_;
    }
  }
  buffer_ = {};
  if (error_ == 0) return {};
  return tl::unexpected(Error{Error::Kind::kEnvironment,
                              "cannot keep " + std::to_string(size_) +
                                  " bytes of the recording in " + directory() + ": " +
                                  std::strerror(error_) + "; set TMPDIR to a directory with room"});
}

std::span<const std::uint8_t> Payload::view(std::uint64_t position, std::uint64_t length) const {
  assert(position + length <= mapped_bytes_);
  return {mapped_ + position, length};
}

}  // namespace reprise::replayer
