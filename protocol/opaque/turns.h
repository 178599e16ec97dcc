// Follows a connection whose protocol is not read: the sides take turns. What the client sends
// until the server speaks is a request, what the server sends until the client speaks again its
// response. A server that speaks first pushes.
//
// Constant memory; the pipeline is borrowed and may hold requests of the protocol that went before.
#pragma once

#include <cstdint>

#include "protocol/pipeline.h"

namespace reprise::protocol {

class Turns {
 public:
  explicit Turns(Pipeline& pipeline) : pipeline_(pipeline) {}

  // The sides are read as turns from these offsets on; messages that are open go on as turns.
  void start(Side side, std::uint64_t offset);

  // `count` > 0 bytes at `offset` of their side.
  void feed(Side side, std::uint64_t offset, std::uint64_t count);
  // The side ended after `offset` bytes. A server that closes answers the turn, if with nothing.
  void end(Side side, std::uint64_t offset, End how);

 private:
  void client_spoke(std::uint64_t offset);
  void server_spoke(std::uint64_t offset);

  Pipeline& pipeline_;
  bool server_started_ = false;
  std::uint64_t client_end_ = 0, server_end_ = 0;  // after the side's last byte
};

}  // namespace reprise::protocol
