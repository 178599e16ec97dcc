// Which records of a block concern one connection or one exchange, so that whoever wants the bytes
// or the calls of a few need not decode all the others.
//
// Of events: those that move bytes, by their connection. Of derived records: calls, by the exchange
// they were made for. A few bytes for each; immutable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "archive/block_store.h"
#include "archive/damage.h"

namespace reprise::archive {

class RecordLookup {
 public:
  struct Entry {
    std::uint64_t id = 0;      // of the connection or exchange
    std::uint32_t offset = 0;  // of the record, in the payload
  };

  // Decodes the block once. What cannot be decoded is listed as damage.
  RecordLookup(const Block& block, DamageList& damage);

  // In the order of the block.
  std::span<const Entry> of(std::uint64_t id) const;

 private:
  std::vector<Entry> entries_;  // by id, then offset
};

}  // namespace reprise::archive
