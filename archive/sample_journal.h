// Journals in memory whose blocks say what a test wants them to say.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "archive/format.h"
#include "archive/memory_file.h"

namespace reprise::archive {

// sample_header() of a journal with records of that version.
Header journal_header(std::uint32_t record_version);

// A journal without an end: its header and one block with that payload, whatever that is.
std::shared_ptr<MemoryDisk> journal_disk(std::uint32_t record_version,
                                         std::span<const std::uint8_t> payload);

}  // namespace reprise::archive
