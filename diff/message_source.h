// The bytes of messages, as one pass over an exchange's events finds them.
//
// An archive is quick to read forward and slow to search for one message after another; an exchange
// with eight calls has eighteen messages in the same blocks. What the pass does not find whole
// (sends in several parts, files, bytes read in another context) the archive is asked for.
//
// Ownership: borrows the reader. Memory: the I/O of the exchange.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "archive/reader.h"
#include "event/exchange.h"

namespace reprise::diff {

class MessageSource {
 public:
  using Result = tl::expected<event::Bytes, archive::Error>;

  // Of what is in `context`; there is a pass for an exchange only.
  MessageSource(archive::Reader& reader, event::Context context);

  archive::Reader& reader() { return reader_; }
  event::Context context() const { return context_; }

  [[nodiscard]] Result request(const event::Exchange& exchange);
  [[nodiscard]] Result response(const event::Exchange& exchange);
  [[nodiscard]] Result request(const event::Call& call);
  [[nodiscard]] Result response(const event::Call& call);

 private:
  struct Stream {
    std::map<std::uint64_t, event::Bytes> pieces;   // by offset; received, or accepted
    std::map<std::uint64_t, event::Bytes> pending;  // announced
  };

  void feed(const event::Event& event);
  Stream& stream(event::ConnectionId connection, bool sent) {
    return streams_[{connection.value, sent}];
  }
  std::optional<event::Bytes> assemble(event::ConnectionId connection, bool sent,
                                       event::ByteRange range) const;

  archive::Reader& reader_;
  event::Context context_;
  std::map<std::pair<std::uint64_t, bool>, Stream> streams_;
};

}  // namespace reprise::diff
