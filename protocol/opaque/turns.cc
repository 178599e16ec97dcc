#include "protocol/opaque/turns.h"

namespace reprise::protocol {

using event::Protocol;

void Turns::start(Side side, std::uint64_t offset) {
  (side == Side::kClient ? client_end_ : server_end_) = offset;
  server_started_ |= side == Side::kServer;
}

void Turns::feed(Side side, std::uint64_t offset, std::uint64_t count) {
  if (side == Side::kClient) {
    client_spoke(offset);
    client_end_ = offset + count;
  } else {
    server_spoke(offset);
    server_end_ = offset + count;
  }
}

void Turns::client_spoke(std::uint64_t offset) {
  // Until the server's side is read as turns as well, an open response is its codec's to end.
  if (server_started_ && pipeline_.response_open()) {
    // Only a request that was answered early, under the protocol before, can still be open here.
    if (pipeline_.request_open() && &pipeline_.open_request() == &pipeline_.open_response()) {
      pipeline_.end_request(offset);
    }
    pipeline_.end_response(server_end_);
  }
  if (!pipeline_.request_open()) {
    pipeline_.begin_request(Protocol::kOpaque, offset);
  }
}

void Turns::server_spoke(std::uint64_t offset) {
  if (pipeline_.response_open()) {
    return;
  }
  if (pipeline_.request_open() && pipeline_.next_to_answer() == &pipeline_.open_request()) {
    pipeline_.end_request(client_end_);
  }
  pipeline_.begin_response(Protocol::kOpaque, offset);
}

void Turns::end(Side side, std::uint64_t offset, End how) {
  if (how == End::kReset) {
    return;
  }
  if (side == Side::kClient) {
    if (pipeline_.request_open()) {
      pipeline_.end_request(offset);
    }
    return;
  }
  if (pipeline_.response_open()) {
    pipeline_.end_response(offset);
  }
  while (pipeline_.next_to_answer() != nullptr &&
         pipeline_.next_to_answer()->protocol == Protocol::kOpaque) {
    server_spoke(offset);
    pipeline_.end_response(offset);
  }
}

}  // namespace reprise::protocol
