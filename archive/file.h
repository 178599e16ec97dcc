// The file an archive lies in, as the writer and the reader need it; injected, so that tests can
// have a full disk.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "archive/format.h"

namespace reprise::archive {

// What a reader needs. Reads at the same offset may differ in length while the file grows.
class InputFile {
 public:
  virtual ~InputFile() = default;

  virtual const std::string& path() const = 0;  // as it was given, for messages
  virtual std::uint64_t size() const = 0;       // now; 0 when it cannot be told
  // Fills `bytes` from `offset` on; returns how many there were, fewer at the end of the file.
  // Errors of the device end the bytes too and are kept in last_error().
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::uint8_t> bytes) = 0;
  virtual int last_error() const = 0;  // errno, 0 when none

  [[nodiscard]] static tl::expected<std::unique_ptr<InputFile>, Error> open(
      const std::string& path);
};

// What a writer needs, which reads back what it wrote.
class OutputFile : public InputFile {
 public:
  // Writes all of `bytes`; 0, or errno, after which part of them may be there.
  virtual int write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) = 0;
  virtual int truncate(std::uint64_t size) = 0;
  virtual int close() = 0;

  enum class Mode : std::uint8_t { kCreate, kReplace, kResume };
  // Locks the file (flock) so that two writers never share one; the lock goes with the process.
  [[nodiscard]] static tl::expected<std::unique_ptr<OutputFile>, Error> open(
      const std::string& path, Mode mode);
};

// "writing PATH: No space left on device", with the remedy where there is one.
Error file_error(const std::string& doing, const std::string& path, int error);

}  // namespace reprise::archive
