#include "protocol/datagram/codec.h"

#include <algorithm>
#include <string>

namespace reprise::protocol::datagram {
namespace {

constexpr std::size_t kLongestTarget = 80;

// The first line of a datagram that is text, for people.
std::string line_of(ByteSpan bytes) {
  const std::string text(bytes.begin(), bytes.end());
  const std::string line = text.substr(0, std::min(text.find('\n'), kLongestTarget));
  const bool readable = std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; });
  return readable ? line : "";
}

}  // namespace

void DatagramCodec::leave_unanswered() {
  --waiting_;
  pipeline_.leave_unanswered();
}

std::size_t DatagramCodec::feed(Side side, std::uint64_t offset, ByteSpan bytes) {
  const std::uint64_t end = offset + bytes.size();
  if (side == Side::kClient) {
    if (waiting_ == kMostWaiting) leave_unanswered();
    ++waiting_;
    pipeline_.begin_request(event::Protocol::kUdp, offset);
    pipeline_.open_request().target = line_of(bytes);
    pipeline_.end_request(end);
  } else if (waiting_ > 0) {
    --waiting_;
    pipeline_.begin_response(event::Protocol::kUdp, offset);
    pipeline_.end_response(end);
  }
  return bytes.size();
}

// No datagram is sent by reference.
std::uint64_t DatagramCodec::skip(Side, std::uint64_t, std::uint64_t count) { return count; }

void DatagramCodec::end(Side side, std::uint64_t, End) {
  while (side == Side::kClient && waiting_ > 0) leave_unanswered();
}

}  // namespace reprise::protocol::datagram
