// Which records of a block concern some bytes of a connection, or an exchange, so that whoever
// wants those need not decode all the others.
//
// Of events those that move bytes, of derived records the calls of exchanges. In memory about as
// large as the block at the very most; immutable.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "archive/block_store.h"
#include "archive/damage.h"
#include "event/event.h"

namespace reprise::archive {

class RecordLookup {
 public:
  // Decodes the block once. What cannot be decoded is listed as damage.
  RecordLookup(const Block& block, DamageList& damage);

  // Offsets in the payload, ascending. Of a send that has a part in the range: all its parts, and
  // its result.
  std::vector<std::uint32_t> of_bytes(event::ConnectionId connection, bool sent,
                                      event::ByteRange range) const;
  std::vector<std::uint32_t> of_calls(event::ExchangeId exchange) const;

 private:
  static constexpr std::uint64_t kOpen = std::numeric_limits<std::uint64_t>::max();

  struct Entry {
    std::uint32_t offset = 0;  // of the record, in the payload
    bool sent = false;
    std::uint64_t begin = 0, end = 0;  // of the bytes; kOpen: another block knows
  };

  // Sends of one connection that the block began to tell of.
  struct Sends {
    std::vector<std::size_t> parts;              // entries of the one that continues
    std::map<std::uint64_t, std::uint64_t> end;  // by begin, without a result yet
  };

  void note(const event::Event& event, std::uint32_t offset);
  void note_part(event::ConnectionId connection, std::uint64_t begin, std::uint64_t length,
                 bool continues, std::uint32_t offset);
  void note_result(const event::SendFinished& result, std::uint32_t offset);

  std::map<std::uint64_t, std::vector<Entry>> bytes_;          // by connection
  std::map<std::uint64_t, std::vector<std::uint32_t>> calls_;  // by exchange
  std::map<std::uint64_t, Sends> sends_;  // by connection, while the block is read
};

}  // namespace reprise::archive
