// Reads replies in RESP3, which Debian 12's hiredis (0.14) cannot.
// (source: https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md)
#ifndef EXAMPLES_LEDGER_RESP3_READER_H_
#define EXAMPLES_LEDGER_RESP3_READER_H_

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "examples/ledger/reply.h"

namespace ledger {

/// Takes bytes in any pieces and gives whole replies. Attributes and pushed messages are read and
/// left out. Streamed strings and aggregates, which Redis does not send, are an error.
class Resp3Reader {
 public:
  void Feed(std::string_view bytes) { buffer_ += bytes; }

  /// The next reply, or nothing when it is not there as a whole yet. After an error the stream has
  /// lost its place, and is to be closed.
  [[nodiscard]] tl::expected<std::optional<Reply>, std::string> Next();

 private:
  std::string buffer_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_RESP3_READER_H_
