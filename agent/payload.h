// Payloads: the service's bytes as the tails of records.
//
// Threading: the calling thread's own Thread; signal handlers included.
#pragma once

#include <cstdint>

#include "agent/brief.h"
#include "agent/gather.h"
#include "agent/record.h"

namespace reprise::agent {

// Writes `length` bytes of `gather` as records of one type in as many parts as they need. `fill` is
// called with each record, the part's offset within the payload and its length. All parts but the
// last carry abi::kContinues, and the last one too when `more` says that the payload goes on later.
template <typename Body, typename Fill>
void write_parts(Thread& thread, abi::RecordType type, std::uint64_t enter, std::uint8_t source,
                 Gather& gather, std::uint64_t length, bool more, Fill fill) {
  if (!more && write_repeated<Body>(thread, type, enter, source, gather, length, fill)) return;
  std::uint64_t done = 0;
  do {
    const std::uint32_t part = tail_room<Body>(thread, length - done);
    const bool last = done + part == length;
    if (Record<Body> record{thread, type, enter, part, source}) {
      fill(record, done, part);
      if (!last || more) record.add_flags(abi::kContinues);
      const bool copied = gather.copy(record.tail(), part);
      if (!copied) [[unlikely]]
        record.become_gap(thread);
      record.commit();
      if (copied && part == length) remember_payload(thread, record.tail(), length);
    } else {
      gather.skip(part);
    }
    done += part;
    if (last) return;
  } while (true);
}

}  // namespace reprise::agent
