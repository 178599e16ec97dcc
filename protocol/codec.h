// What a protocol implements to be followed on a connection: reads both directions of one protocol
// and tells a Pipeline where messages begin and end. Private to protocol/; others see decoder.h.
//
// Threading: as the decoder that owns it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "protocol/decoder.h"

namespace reprise::protocol {

using ByteSpan = std::span<const std::uint8_t>;

// Why and from where a side is no longer read by the codec.
struct Stop {
  std::string why;
  std::uint64_t offset = 0;  // of that side
  bool both_sides = false;   // the other side is over as well (CONNECT, 101, an unreadable answer)
};

class Codec {
 public:
  virtual ~Codec() = default;

  virtual event::Protocol protocol() const = 0;

  // Reads `bytes`, which begin at `offset` of their side, and returns how many were taken. Fewer
  // than given means that stop(side) says why; the codec is not fed that side again.
  [[nodiscard]] virtual std::size_t feed(Side side, std::uint64_t offset, ByteSpan bytes) = 0;

  // Passes over bytes nobody can see; returns how many lay inside a body and so did not matter.
  [[nodiscard]] virtual std::uint64_t skip(Side side, std::uint64_t offset,
                                           std::uint64_t count) = 0;

  // The side has no more bytes after `offset`.
  virtual void end(Side side, std::uint64_t offset, End how) = 0;

  const std::optional<Stop>& stop(Side side) const {
    return side == Side::kClient ? client_stop_ : server_stop_;
  }

 protected:
  void stop_at(Side side, Stop stop) {
    (side == Side::kClient ? client_stop_ : server_stop_) = std::move(stop);
  }

 private:
  std::optional<Stop> client_stop_, server_stop_;
};

}  // namespace reprise::protocol
