// Reads back what the service sent straight from files.
//
// The agent notes the file's identity (device, inode, size, time of change) before the call; here
// it is compared before and after reading. Equal identity and range have equal content, so what was
// read once is not read again.
//
// Ownership: borrows the sink. Threading: the collector's thread. Memory: what was found is
// remembered for a bounded number of ranges; contents are not kept.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "event/event.h"

namespace reprise::recorder {

class FileContents {
 public:
  using Store = std::function<std::uint64_t(const event::Bytes&)>;
  explicit FileContents(Store store) : store_(std::move(store)) {}

  // Number of the stored bytes of `range` (its path, identity, file_offset and length); none when
  // they cannot be had as they were, and then `why` tells. `pid` is of the process that sent them:
  // its root directory may be another one.
  std::optional<std::uint64_t> read(const event::FileRangeSent& range, std::int32_t pid,
                                    std::string& why);

 private:
  Store store_;
  std::unordered_map<std::string, std::uint64_t> known_;  // by identity and range
};

// A range of `sent` bytes is read and stored in pieces, so that neither a huge file nor its event
// has to be held at once: how long each of them is but the last, which may be shorter. Each has an
// event with a position of its own within the range's record, which bounds how many there may be.
std::uint64_t file_piece_bytes(std::uint64_t sent);

}  // namespace reprise::recorder
