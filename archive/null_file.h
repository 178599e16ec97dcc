// A file that throws everything away: what an archive costs without the disk, for benchmarks.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "archive/file.h"

namespace reprise::archive {

class NullFile final : public OutputFile {
 public:
  const std::string& path() const override { return path_; }
  std::uint64_t size() const override { return 0; }
  std::size_t read_at(std::uint64_t, std::span<std::uint8_t>) override { return 0; }
  int last_error() const override { return 0; }
  int write_at(std::uint64_t, std::span<const std::uint8_t>) override { return 0; }
  int truncate(std::uint64_t) override { return 0; }
  int close() override { return 0; }

 private:
  std::string path_ = "null";
};

}  // namespace reprise::archive
