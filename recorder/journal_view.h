// Entries of a journal and what the recorder knows them as. Stateless; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "archive/journal.h"
#include "recorder/drain.h"
#include "recorder/record_view.h"

namespace reprise::recorder {

[[nodiscard]] archive::journal::Process to_note(const ProcessIdentity& identity);
[[nodiscard]] archive::journal::Thread to_note(const ThreadIdentity& identity);
[[nodiscard]] ProcessIdentity to_identity(const archive::journal::Process& note);
[[nodiscard]] ThreadIdentity to_identity(const archive::journal::Thread& note);

// The record that a reference stands for, or nothing when its parts do not make one. The content's
// bytes go between the head and the padding.
[[nodiscard]] std::vector<std::byte> whole_record(const archive::JournalReference& reference,
                                                  std::span<const std::uint8_t> content);
// Where its thread's stream goes on behind it.
[[nodiscard]] std::uint64_t end_of(const archive::JournalReference& reference);

}  // namespace reprise::recorder
