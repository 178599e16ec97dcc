// An open block: records collect here until it is sealed. The writer has one for each kind of
// record, so that a reader after exchanges need not decompress events.
#pragma once

#include <cstdint>

#include "archive/block.h"
#include "archive/byte_buffer.h"
#include "archive/index.h"
#include "archive/little_endian.h"
#include "archive/record.h"

namespace reprise::archive {

class Section {
 public:
  explicit Section(BlockKind kind) : kind_(kind) {}

  // Adds a record. False, and nothing is added, when it exceeds kMaxRecordBytes. `base` becomes the
  // base stamp if this is the first record.
  template <typename Record>
  [[nodiscard]] bool append(const Record& record, event::Stamp base) {
    if (payload_.empty()) begin(base.ticks);
    const std::size_t offset = payload_.size();
    encode(record, base_, payload_);
    if (payload_.size() - offset > kMaxRecordBytes) {
      payload_.truncate(records_ == 0 ? 0 : offset);
      return false;
    }
    note(record, static_cast<std::uint32_t>(offset));
    ++records_;
    return true;
  }

  // A record without stamps of events, and without a place in the index unless it is a content.
  template <typename Record>
  [[nodiscard]] bool append_plain(const Record& record) {
    return append(record, event::Stamp{});
  }

  void clear() {
    payload_.clear();
    notes_.clear();
    records_ = 0;
  }

  bool empty() const { return records_ == 0; }
  BlockKind kind() const { return kind_; }
  std::uint32_t records() const { return records_; }
  const ByteBuffer& payload() const { return payload_; }
  BlockNotes& notes() { return notes_; }

 private:
  void begin(std::uint64_t base) {
    base_ = base;
    store_le(payload_.reserve(kPayloadBaseBytes), base);
    payload_.commit(kPayloadBaseBytes);
  }
  void note(const event::Event& event, std::uint32_t) { notes_.note(event); }
  void note(const Header&, std::uint32_t) {}
  void note(const Trailer&, std::uint32_t) {}
  void note(const TableRoots&, std::uint32_t) {}
  template <typename Record>
  void note(const Record& record, std::uint32_t offset) {
    notes_.note(record, offset);
  }

  BlockKind kind_;
  ByteBuffer payload_;
  BlockNotes notes_;
  std::uint64_t base_ = 0;
  std::uint32_t records_ = 0;
};

}  // namespace reprise::archive
