// Any bytes for the payload of a journal's block: a derivation ends, and what it makes can be read.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "agent/abi/records.h"
#include "archive/sample_disk.h"
#include "archive/sample_journal.h"
#include "recorder/derivation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reprise;
  const auto disk = archive::journal_disk(abi::kRecordVersion, std::span(data, size));
  const auto journal = archive::reader_on(disk);
  if (!journal) std::abort();
  const auto events = std::make_shared<archive::MemoryDisk>();
  const auto writer = archive::writer_on(events);
  archive::Trailer trailer;
  if (!recorder::derive(**journal, *writer, trailer)) std::abort();
  if (!writer->finish(trailer)) std::abort();
  const auto reader = archive::reader_on(events);
  if (!reader) std::abort();
  (*reader)->verify();
  if (!(*reader)->damage().empty()) std::abort();
  return 0;
}
