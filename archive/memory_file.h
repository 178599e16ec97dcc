// A file in memory for tests: can be damaged, grown, and full.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive/file.h"

namespace reprise::archive {

// What outlives the file that a writer owns.
struct MemoryDisk {
  std::vector<std::uint8_t> bytes;
  std::uint64_t room = ~std::uint64_t{0};  // beyond it writes fail with ENOSPC, after filling it up
};

class MemoryFile final : public OutputFile {
 public:
  explicit MemoryFile(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  const std::string& path() const override { return path_; }
  std::uint64_t size() const override { return disk_->bytes.size(); }
  std::size_t read_at(std::uint64_t offset, std::span<std::uint8_t> bytes) override {
    if (offset >= disk_->bytes.size()) return 0;
    const std::size_t count = std::min<std::size_t>(bytes.size(), disk_->bytes.size() - offset);
    std::copy_n(disk_->bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, bytes.begin());
    return count;
  }
  int last_error() const override { return 0; }
  int write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) override {
    const std::uint64_t end = std::min(offset + bytes.size(), disk_->room);
    if (end > offset) {
      if (disk_->bytes.size() < end) disk_->bytes.resize(end);
      std::copy_n(bytes.begin(), end - offset,
                  disk_->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    return offset + bytes.size() > disk_->room ? ENOSPC : 0;
  }
  int truncate(std::uint64_t size) override {
    disk_->bytes.resize(size);
    return 0;
  }
  int close() override { return 0; }

 private:
  std::shared_ptr<MemoryDisk> disk_;
  std::string path_ = "memory";
};

}  // namespace reprise::archive
