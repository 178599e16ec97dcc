// Follows the datagrams between the service and one peer: each is a message, and what was fed at
// once is one. A datagram of the peer answers the oldest of the service's that has no answer yet;
// what comes beyond that belongs to no request. Most that goes out this way is never answered
// (statsd), and what is not by the time so many more went out gets an empty response.
//
// Constant memory. Threading: as the decoder that owns it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/codec.h"
#include "protocol/pipeline.h"

namespace reprise::protocol::datagram {

class DatagramCodec final : public Codec {
 public:
  explicit DatagramCodec(Pipeline& pipeline) : pipeline_(pipeline) {}

  event::Protocol protocol() const override { return event::Protocol::kUdp; }
  std::size_t feed(Side side, std::uint64_t offset, ByteSpan bytes) override;
  std::uint64_t skip(Side side, std::uint64_t offset, std::uint64_t count) override;
  void end(Side side, std::uint64_t offset, End how) override;

 private:
  static constexpr std::size_t kMostWaiting = 16;

  void leave_unanswered();

  Pipeline& pipeline_;
  std::size_t waiting_ = 0;  // requests without an answer
};

}  // namespace reprise::protocol::datagram
