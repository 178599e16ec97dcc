#include "archive/sample_journal.h"

#include "archive/block.h"
#include "archive/byte_buffer.h"
#include "archive/sample_recording.h"
#include "archive/writer.h"

namespace reprise::archive {

Header journal_header(std::uint32_t record_version) {
  Header header = sample_header();
  header.journal = record_version;
  return header;
}

std::shared_ptr<MemoryDisk> journal_disk(std::uint32_t record_version,
                                         std::span<const std::uint8_t> payload) {
  auto disk = std::make_shared<MemoryDisk>();
  const Header header = journal_header(record_version);
  (void)Writer::create(std::make_unique<MemoryFile>(disk), header, {});
  BlockHeader block;
  block.major = kJournalMajorVersion;
  block.kind = BlockKind::kJournal;
  block.recording = recording_tag(header.session);
  block.number = 1;
  ByteBuffer sealed;
  BlockSealer(1).seal(block, payload, Codec::kStored, sealed);
  disk->bytes.insert(disk->bytes.end(), sealed.view().begin(), sealed.view().end());
  return disk;
}

}  // namespace reprise::archive
