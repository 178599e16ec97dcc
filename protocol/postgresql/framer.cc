#include "protocol/postgresql/framer.h"

#include <algorithm>

#include "protocol/postgresql/statement.h"

namespace reprise::protocol::postgresql {
namespace {

// One long text must not cost its memory for the rest of the connection.
constexpr std::size_t kUsualBody = 1024;

}  // namespace

void Framer::begin(char first) {
  type_ = first;
  length_ = 0;
  length_bytes_ = first == '\0' ? 1 : 0;  // no type: it is the first byte of the length
  keep(0);
  kept_.clear();
  if (kept_.capacity() > kUsualBody) kept_.shrink_to_fit();
  rest_ = kNoRest;
  state_ = State::kLength;
}

Framer::Progress Framer::take(ByteSpan& bytes) {
  if (state_ == State::kHead) state_ = State::kBody;
  if (state_ != State::kBody && bytes.empty()) return Progress::kMore;
  if (state_ == State::kBetween) {
    begin(static_cast<char>(bytes.front()));
    bytes = bytes.subspan(1);
    return Progress::kBegun;
  }
  while (state_ == State::kLength && !bytes.empty()) {
    length_ = length_ << 8 | bytes.front();
    bytes = bytes.subspan(1);
    if (++length_bytes_ < 4) continue;
    remaining_ = length_ - std::min(length_, 4U);
    state_ = State::kHead;
    return Progress::kHead;
  }
  if (state_ != State::kBody) return Progress::kMore;
  take_body(bytes);
  if (remaining_ > 0) return Progress::kMore;
  state_ = State::kBetween;
  return Progress::kDone;
}

void Framer::take_body(ByteSpan& bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), size);
  const std::size_t kept = std::min(size, kept_limit_ - std::min(kept_limit_, kept_.size()));
  kept_.append(text.substr(0, kept));
  if (hash_rest_) rest_ = hash_text(text.substr(kept), rest_);
  remaining_ -= size;
  bytes = bytes.subspan(size);
}

std::uint64_t Framer::pass(std::uint64_t count) {
  const std::uint64_t passed = std::min(count, remaining_);
  remaining_ -= passed;
  return passed;
}

}  // namespace reprise::protocol::postgresql
