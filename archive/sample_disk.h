// Sample archives in memory, for tests.
#pragma once

#include <memory>
#include <utility>

#include "archive/memory_file.h"
#include "archive/reader.h"
#include "archive/sample_recording.h"
#include "archive/writer.h"

namespace reprise::archive {

inline std::unique_ptr<Writer> writer_on(const std::shared_ptr<MemoryDisk>& disk,
                                         const WriterOptions& options = {}) {
  auto writer = Writer::create(std::make_unique<MemoryFile>(disk), sample_header(), options);
  return writer ? std::move(*writer) : nullptr;
}

inline std::shared_ptr<MemoryDisk> sample_disk(const SampleOptions& options = {},
                                               bool finished = true,
                                               const WriterOptions& writer_options = {}) {
  auto disk = std::make_shared<MemoryDisk>();
  const auto writer = writer_on(disk, writer_options);
  write_sample(*writer, options);
  if (finished) {
    (void)writer->finish(sample_trailer());
  } else {
    (void)writer->flush();
  }
  return disk;
}

inline tl::expected<std::unique_ptr<Reader>, Error> reader_on(
    const std::shared_ptr<MemoryDisk>& disk) {
  return Reader::open(std::make_unique<MemoryFile>(disk));
}

inline std::string text_of(const tl::expected<event::Bytes, Error>& bytes) {
  return bytes ? std::string(bytes->begin(), bytes->end()) : "error: " + bytes.error().message;
}

}  // namespace reprise::archive
