#include "recorder/journal_view.h"

namespace reprise::recorder {
namespace {

// As the record itself says it; 0 when its head is too short to say.
std::uint32_t size_of(const archive::JournalReference& reference) {
  std::uint32_t size = 0;
  if (reference.head.size() >= sizeof(abi::RecordHeader)) {
    std::memcpy(&size, reference.head.data(), sizeof size);
  }
  return size;
}

}  // namespace

std::uint64_t end_of(const archive::JournalReference& reference) {
  return reference.position + size_of(reference);
}

std::vector<std::byte> whole_record(const archive::JournalReference& reference,
                                    std::span<const std::uint8_t> content) {
  const std::size_t size = size_of(reference), filled = reference.head.size() + content.size();
  if (size % 8 != 0 || filled > size || size - filled >= 8) return {};
  std::vector<std::byte> record(size);
  std::memcpy(record.data(), reference.head.data(), reference.head.size());
  if (!content.empty()) {
    std::memcpy(record.data() + reference.head.size(), content.data(), content.size());
  }
  return record;
}

archive::journal::Process to_note(const ProcessIdentity& identity) {
  return {identity.slot,    identity.pid,   identity.parent,
          identity.ordinal, identity.image, identity.path};
}

archive::journal::Thread to_note(const ThreadIdentity& identity) {
  return {identity.slot, identity.ordinal, identity.creator, identity.tid,
          to_note(identity.process)};
}

ProcessIdentity to_identity(const archive::journal::Process& note) {
  return {note.slot, note.pid, note.parent, note.ordinal, note.image, note.path};
}

ThreadIdentity to_identity(const archive::journal::Thread& note) {
  return {note.slot, note.ordinal, note.creator, note.tid, to_identity(note.process)};
}

}  // namespace reprise::recorder
